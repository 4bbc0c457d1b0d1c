import { DropdownMenu } from '@kobalte/core/dropdown-menu';
import { For, Show, type JSX } from 'solid-js';
import { count } from '../../../ui/format.ts';
import { Icon } from '../../../ui/Icon.tsx';
import type { IconName } from '../../../ui/icons/icons.ts';
import { explain } from '../../words/errors.ts';
import { inboxHref, VIEWS, type View } from '../../store/address.ts';
import { useDesk } from '../../store/desk.ts';
import { STATES, type AgentState } from '../../store/presence.ts';
import { t } from '../../words/texts.ts';
import { toast } from '../../store/toast.ts';
import s from './views.module.css';

const ICONS: Readonly<Record<View, IconName>> = { mine: 'inbox', queue: 'queue', all: 'all' };

export function Views(props: { readonly view: View }): JSX.Element {
  return (
    <section class={s['views']} data-part="views" data-pane aria-label={t('page.inbox')}>
      <header class="head">
        <h1 class="grow">{t('page.inbox')}</h1>
        <PresenceMenu />
      </header>
      <nav aria-label={t('views')}>
        <ViewLinks view={props.view} />
      </nav>
    </section>
  );
}

/** Links to the views with live counts; `isCompact`: as tabs above the list, on narrow screens. */
export function ViewLinks(props: { readonly view: View; readonly isCompact?: boolean }): JSX.Element {
  const desk = useDesk();
  return (
    <For each={VIEWS}>
      {(view) => (
        <a
          class={props.isCompact ? s['tab'] : s['link']}
          href={inboxHref(view)}
          aria-current={props.view === view ? 'page' : undefined}
          data-testid={props.isCompact ? undefined : `view-${view}`}
        >
          <Show when={!props.isCompact}>
            <Icon name={ICONS[view]} />
          </Show>
          {t(`view.${view}`)}
          <span class={s['count']}>{count(desk.views.counts[view])}</span>
        </a>
      )}
    </For>
  );
}

export function PresenceMenu(): JSX.Element {
  const desk = useDesk();
  const label = (): string => {
    const { state, capacity } = desk.presence.now;
    return capacity > 0 ? `${t(`presence.${state}`)} ${desk.views.counts.mine}/${capacity}` : t(`presence.${state}`);
  };
  const choose = async (state: AgentState): Promise<void> => {
    try {
      await desk.presence.choose(state);
      void desk.colleagues.refresh();
    } catch (error) {
      toast({ text: explain(error) });
    }
  };
  return (
    <DropdownMenu modal={false} placement="bottom-end" gutter={4}>
      <DropdownMenu.Trigger
        class={s['state']}
        aria-label={t('presence', { state: label() })}
        data-testid="presence"
        data-state={desk.presence.now.state}
      >
        <span class={`dot ${desk.presence.now.state}`} />
        <span class={s['label']}>{label()}</span>
        <Icon name="down" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu">
          <DropdownMenu.RadioGroup value={desk.presence.now.state} onChange={(value) => void choose(value as AgentState)}>
            <For each={STATES}>
              {(state) => (
                <DropdownMenu.RadioItem class="opt" closeOnSelect value={state} data-testid={`presence-${state}`}>
                  <span class={`dot ${state}`} />
                  {t(`presence.${state}`)}
                  <DropdownMenu.ItemIndicator class="e">
                    <Icon name="check" />
                  </DropdownMenu.ItemIndicator>
                </DropdownMenu.RadioItem>
              )}
            </For>
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  );
}
