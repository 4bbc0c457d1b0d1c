import { Dialog } from '@kobalte/core/dialog';
import { For, type JSX } from 'solid-js';
import { Icon } from '../../ui/Icon.tsx';
import type { HelpRow } from '../actions/keycaps.ts';
import { restoresFocus } from '../common/restoreFocus.ts';
import s from './help.module.css';
import { t } from '../words/texts.ts';

/** Help overlay. It gets its rows: importing the actions here would cut them, for this lazy chunk, out of the first one. */
export default function Help(props: { readonly rows: readonly HelpRow[]; readonly onClose: () => void }): JSX.Element {
  restoresFocus();
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
            <For each={props.rows}>
              {({ label, caps }) => (
                <div>
                  <dt>{t(label)}</dt>
                  <dd>
                    <For each={caps}>{(key) => <kbd>{key}</kbd>}</For>
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
