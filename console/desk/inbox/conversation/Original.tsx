import { Dialog } from '@kobalte/core/dialog';
import { createSignal, Show, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import { restoresFocus } from '../../common/restoreFocus.ts';
import { t } from '../../words/texts.ts';
import s from './original.module.css';

/** Original HTML of a mail in a sandboxed frame without scripts or origin; remote pictures load on request. */
export default function Original(props: {
  readonly conv: string;
  readonly seq: number;
  readonly subject: string;
  readonly onClose: () => void;
}): JSX.Element {
  const [isRemote, setRemote] = createSignal(false);
  restoresFocus();
  const address = (): string => `/api/v1/conversations/${props.conv}/mail/${props.seq}${isRemote() ? '?remote=true' : ''}`;
  return (
    <Dialog open onOpenChange={(open) => open || props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay class="scrim" />
        <Dialog.Content class={`over ${s['over']}`}>
          <header class="head">
            <Dialog.Title as="h2" class="cut grow">
              {props.subject || t('mail.original')}
            </Dialog.Title>
            <Show when={!isRemote()}>
              <button class="btn" type="button" data-testid="mail-remote" onClick={() => setRemote(true)}>
                {t('mail.remote')}
              </button>
            </Show>
            <Dialog.CloseButton class="ib" aria-label={t('close')}>
              <Icon name="close" />
            </Dialog.CloseButton>
          </header>
          <iframe
            class={s['frame']}
            sandbox="allow-popups allow-popups-to-escape-sandbox"
            referrerpolicy="no-referrer"
            title={t('mail.original')}
            src={address()}
            data-testid="mail-frame"
          />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
