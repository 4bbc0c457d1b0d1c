import { Dialog } from '@kobalte/core/dialog';
import { For, type JSX } from 'solid-js';
import { Icon } from '../../ui/Icon.tsx';
import { givesFocusBack } from '../parts/givesBack.ts';
import s from './help.module.css';
import { t, type TextKey } from '../words/texts.ts';

const KEYS: readonly (readonly [TextKey, readonly string[]])[] = [
  ['keys.move', ['J', 'K']],
  ['keys.reply', ['R']],
  ['keys.open', ['Enter']],
  ['keys.note', ['M']],
  ['keys.back', ['U']],
  ['keys.assign', ['A']],
  ['keys.next', ['N']],
  ['keys.resolve', ['E']],
  ['keys.search', ['/']],
  ['keys.send', ['Enter']],
  ['keys.pane', ['F6']],
  ['keys.newline', ['Shift', 'Enter']],
  ['keys.views', ['[']],
  ['keys.go_inbox', ['G', 'I']],
  ['keys.contact', [']']],
  ['keys.go_search', ['G', 'S']],
  ['keys.escape', ['Esc']],
  ['keys.go_overview', ['G', 'O']],
  ['keys.go_channels', ['G', 'C']],
  ['keys.help', ['?']],
];

export default function Help(props: { readonly onClose: () => void }): JSX.Element {
  givesFocusBack();
  return (
    <Dialog open onOpenChange={(open) => open || props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay class="scrim" />
        <Dialog.Content class="over">
          <header class="head">
            <Dialog.Title as="h2" class="grow">
              {t('keys.title')}
            </Dialog.Title>
            <Dialog.CloseButton class="ib" aria-label={t('close')}>
              <Icon name="close" />
            </Dialog.CloseButton>
          </header>
          <dl class={s['keys']}>
            <For each={KEYS}>
              {([text, keys]) => (
                <div>
                  <dt>{t(text)}</dt>
                  <dd>
                    <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
                  </dd>
                </div>
              )}
            </For>
          </dl>
          <p class={s['foot']}>{t('keys.off')}</p>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
