import { DropdownMenu } from '@kobalte/core/dropdown-menu';
import { createSignal, For, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import { offer } from '../../actions/scene.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { assign } from '../../actions/acts.ts';

/** Menu of assignees: colleagues with presence and load. */
export function Assign(props: { readonly conv: string; readonly agent: string }): JSX.Element {
  const desk = useDesk();
  const [isOpen, setOpen] = createSignal(false);
  const toggle = (open: boolean): void => {
    setOpen(open);
    if (open) void desk.colleagues.refresh();
  };
  offer('assign', { open: () => toggle(true) });
  return (
    <DropdownMenu modal={false} open={isOpen()} onOpenChange={toggle} placement="bottom-end" gutter={4}>
      <DropdownMenu.Trigger class="ib" aria-label={t('assign')} title={t('assign')} data-testid="assign">
        <Icon name="assign" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu">
          <div class="menu-head">{t('assign.to')}</div>
          <For each={desk.colleagues.all} fallback={<div class="opt">{t('assign.nobody')}</div>}>
            {(colleague) => (
              <DropdownMenu.Item
                class="opt"
                disabled={colleague.id === props.agent}
                data-testid="assign-agent"
                data-agent={colleague.id}
                onSelect={() => void assign(desk, props.conv, colleague.id)}
              >
                <span class={`dot ${colleague.present ? colleague.state : 'offline'}`} />
                {colleague.id === desk.me.id ? t('assign.me') : colleague.name}
                <span class="e">
                  {t(`presence.${colleague.present ? colleague.state : 'offline'}`)} · {colleague.open}/{colleague.capacity}
                </span>
              </DropdownMenu.Item>
            )}
          </For>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  );
}
