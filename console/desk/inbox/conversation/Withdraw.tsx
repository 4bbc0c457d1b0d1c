import { Dialog } from '@kobalte/core/dialog';
import { Show, type JSX } from 'solid-js';
import type { Message } from '../../../ui/thread.ts';
import { leave, leaveText } from '../../actions/changes.ts';
import { restoresFocus } from '../../common/restoreFocus.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { excerptOf } from '../said.ts';
import s from './changes.module.css';

/** Asks before a message is withdrawn, which can't be undone; the focus is on the answer that changes nothing. */
export default function Withdraw(props: { readonly conv: string; readonly message: Message }): JSX.Element {
  const desk = useDesk();
  restoresFocus();
  let keep!: HTMLButtonElement;
  const close = (): void => desk.changes.doubt(props.conv, undefined);
  const told = () => leave(desk, props.conv, props.message, 'recall');
  return (
    <Dialog open onOpenChange={(open) => open || close()}>
      <Dialog.Portal>
        <Dialog.Overlay class="scrim" />
        <Dialog.Content
          class="over"
          data-testid="withdraw"
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            keep.focus();
          }}
        >
          <header class="head">
            <Dialog.Title as="h2" class="cut grow">
              {t('withdraw.title')}
            </Dialog.Title>
          </header>
          <Dialog.Description as="div" class={s['asked']}>
            <q>{excerptOf(props.message)}</q>
            <p>{t(props.message.note ? 'withdraw.note' : 'withdraw.hint')}</p>
            <Show when={told().code !== ''}>
              <p role="alert">{leaveText('recall', told())}</p>
            </Show>
          </Dialog.Description>
          <div class={s['answers']}>
            <button ref={keep} class="btn" type="button" data-testid="withdraw-keep" onClick={close}>
              {t('withdraw.keep')}
            </button>
            <button
              class="btn danger"
              type="button"
              data-testid="withdraw-go"
              disabled={told().code !== ''}
              onClick={() => {
                const id = props.message.id;
                close();
                void desk.changes.recall(props.conv, id);
              }}
            >
              {t('message.recall')}
            </button>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
