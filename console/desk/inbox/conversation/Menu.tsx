import { DropdownMenu } from '@kobalte/core/dropdown-menu';
import { For, Show, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import type { Message } from '../../../ui/thread.ts';
import { begin, leave, leaveText } from '../../actions/changes.ts';
import edit from '../../actions/message/edit.ts';
import recall from '../../actions/message/recall.ts';
import { keycaps } from '../../actions/keycaps.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import s from './changes.module.css';

const ITEMS = [
  { change: 'edit', action: edit },
  { change: 'recall', action: recall },
] as const;

/** What can be done with a message of one's own, for how long, and why not. */
export function Menu(props: { readonly message: Message; readonly conv: string }): JSX.Element {
  const desk = useDesk();
  return (
    <DropdownMenu modal={false} placement="bottom-end" gutter={4}>
      <DropdownMenu.Trigger class="ib" aria-label={t('message.menu')} title={t('message.menu')} data-testid="message-menu">
        <Icon name="more" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class={`menu ${s['menu']}`}>
          <For each={ITEMS}>
            {({ change, action }) => {
              const told = () => leave(desk, props.conv, props.message, change);
              return (
                <DropdownMenu.Item
                  class={`opt ${s['item']}`}
                  disabled={told().code !== ''}
                  data-testid={`message-${change}`}
                  onSelect={() => begin(desk, props.conv, props.message, change)}
                >
                  <span>{t(`message.${change}`)}</span>
                  <span class="e">
                    <kbd>{keycaps(action)}</kbd>
                  </span>
                  <Show when={leaveText(change, told())}>{(text) => <small data-testid={`${change}-leave`}>{text()}</small>}</Show>
                </DropdownMenu.Item>
              );
            }}
          </For>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  );
}
