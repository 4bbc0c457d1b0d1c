import { Dialog } from '@kobalte/core/dialog';
import { createSignal, For, Show, type JSX } from 'solid-js';
import { call } from '../../../ui/rest.ts';
import { explain } from '../../words/errors.ts';
import { restoresFocus } from '../../common/restoreFocus.ts';
import { t } from '../../words/texts.ts';
import s from './account.module.css';
import type { Account } from './accounts.ts';
import { channelName } from '../../channels/words.ts';

/** Confirmation dialog of removing an account, with its consequences. */
export default function Remove(props: {
  readonly account: Account;
  readonly onClose: () => void;
  readonly onRemoved: () => void;
}): JSX.Element {
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  let keep!: HTMLButtonElement;
  restoresFocus();
  const remove = async (): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await call('DELETE', `inboxes/${props.account.id}`);
      props.onRemoved();
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <Dialog open onOpenChange={(open) => open || isBusy() || props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay class="scrim" />
        <Dialog.Content
          class="over"
          data-testid="remove-dialog"
          onOpenAutoFocus={(event) => {
            // Focus *cancel*, not *remove*: Enter right after opening must remove nothing.
            event.preventDefault();
            keep.focus();
          }}
        >
          <header class="head">
            <Dialog.Title as="h2" class="cut grow">
              {t('remove.title', { name: props.account.name })}
            </Dialog.Title>
          </header>
          <Dialog.Description as="div" class={s['asked']}>
            <ul>
              <For each={['remove.in', 'remove.out', 'remove.secrets', 'remove.stays'] as const}>
                {(text) => <li>{t(text, { channel: channelName(props.account.channel), id: props.account.id })}</li>}
              </For>
            </ul>
          </Dialog.Description>
          <Show when={problem()}>
            <p class={s['bad']} role="alert">
              {problem()}
            </p>
          </Show>
          <div class={s['answers']}>
            <button ref={keep} class="btn" type="button" data-testid="remove-cancel" disabled={isBusy()} onClick={() => props.onClose()}>
              {t('remove.cancel')}
            </button>
            <button class="btn danger" type="button" data-testid="remove-confirm" disabled={isBusy()} onClick={() => void remove()}>
              {t('remove.confirm')}
            </button>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
