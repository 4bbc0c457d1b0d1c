import { Dialog } from '@kobalte/core/dialog';
import { Show, type JSX } from 'solid-js';
import { restoresFocus } from '../../common/restoreFocus.ts';
import s from './kit.module.css';

/** A question with two answers; the focus is on the one that changes nothing. */
export function Ask(props: {
  readonly title: string;
  readonly children: JSX.Element;
  readonly problem?: string;
  readonly keep: string;
  readonly go: string;
  readonly isBusy?: boolean;
  readonly isDanger?: boolean;
  readonly onKeep: () => void;
  readonly onGo: () => void;
  readonly testid: string;
}): JSX.Element {
  restoresFocus();
  let keep!: HTMLButtonElement;
  return (
    <Dialog open onOpenChange={(open) => open || props.isBusy === true || props.onKeep()}>
      <Dialog.Portal>
        <Dialog.Overlay class="scrim" />
        <Dialog.Content
          class="over"
          data-testid={props.testid}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            keep.focus();
          }}
        >
          <header class="head">
            <Dialog.Title as="h2" class="cut grow">
              {props.title}
            </Dialog.Title>
          </header>
          <Dialog.Description as="div" class={s['asked']}>
            {props.children}
          </Dialog.Description>
          <Show when={props.problem}>
            <p class={s['askedBad']} role="alert">
              {props.problem}
            </p>
          </Show>
          <div class={s['answers']}>
            <button ref={keep} class="btn" type="button" data-testid={`${props.testid}-keep`} disabled={props.isBusy} onClick={() => props.onKeep()}>
              {props.keep}
            </button>
            <button
              class={`btn ${props.isDanger === false ? 'primary' : 'danger'}`}
              type="button"
              data-testid={`${props.testid}-go`}
              disabled={props.isBusy}
              onClick={() => props.onGo()}
            >
              {props.go}
            </button>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
