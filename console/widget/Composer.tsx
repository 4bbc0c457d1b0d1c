import { createEffect, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import { size } from '../ui/format.ts';
import { Icon } from '../ui/Icon.tsx';
import { createUploads, uploadLimits } from '../ui/uploads.ts';
import { createTyping, isSendKey, pastedFiles, sendable } from '../ui/writing.ts';
import type { Place } from './place.ts';
import { t, type TextKey } from './texts.ts';
import type { Visitor } from './visitor.ts';

const HEIGHT_MAX_PX = 144;
const REASONS: Readonly<Record<string, TextKey>> = {
  'file.too_large': 'error.file_large',
  'file.too_many_pixels': 'error.file_large',
  'http.413': 'error.file_large',
  'file.type_refused': 'error.file_type',
};

export function Composer(props: { readonly visitor: Visitor; readonly place: Place }): JSX.Element {
  const [text, setText] = createSignal('');
  let box!: HTMLTextAreaElement;
  let picker!: HTMLInputElement;
  const uploads = createUploads(
    () => uploadLimits(props.visitor.limits()),
    () => props.place.token(),
  );
  const canSend = (): boolean => (text().trim() !== '' || uploads.items().length > 0) && !uploads.isBusy();

  createEffect(() => props.visitor.link().name === 'live' && uploads.retryUnreachable());
  createEffect(() => props.place.isOpen() && requestAnimationFrame(() => box.focus()));
  createEffect(
    on(text, () => {
      box.style.height = 'auto';
      box.style.height = `${Math.min(HEIGHT_MAX_PX, box.scrollHeight)}px`;
    }),
  );
  const typing = createTyping((isTyping) => props.visitor.tellTyping(isTyping));
  onCleanup(typing.stopped);
  const send = (): void => {
    if (!canSend()) return;
    if (!props.visitor.send(sendable(text()), uploads.attachments())) return; // it stays in the box
    uploads.clear();
    setText('');
    typing.stopped();
    box.focus();
  };

  return (
    <div
      class="cmp"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        uploads.add([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <Show when={uploads.items().length > 0}>
        <ul class="ups">
          <For each={uploads.items()}>
            {(one) => (
              <li class="up" data-testid="upload" data-state={one.state}>
                <Icon name="file" />
                <span class="cut grow">{one.file.name}</span>
                <Show when={one.state === 'failed'} fallback={<small>{one.state === 'running' ? `${Math.round(one.part * 100)}%` : size(one.file.size)}</small>}>
                  <small class="bad">{t(REASONS[one.code] ?? 'error.file')}</small>
                  <button class="txt" type="button" onClick={() => uploads.retry(one.id)}>
                    {t('retry')}
                  </button>
                </Show>
                <button class="t44" type="button" aria-label={t('remove', { name: one.file.name })} onClick={() => uploads.cancel(one.id)}>
                  <Icon name="close" />
                </button>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <div class="line">
        <input
          ref={picker}
          class="vh"
          type="file"
          multiple
          tabindex="-1"
          aria-hidden="true"
          data-testid="widget-attach"
          onChange={(event) => {
            uploads.add([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
        <button class="t44" type="button" aria-label={t('attach')} onClick={() => picker.click()}>
          <Icon name="clip" />
        </button>
        <textarea
          ref={box}
          class="in"
          rows="1"
          data-testid="widget-composer"
          aria-label={t('input')}
          placeholder={t('input')}
          enterkeyhint="send"
          value={text()}
          onInput={(event) => {
            setText(event.currentTarget.value);
            typing.wrote(event.currentTarget.value);
          }}
          onBlur={typing.stopped}
          onKeyDown={(event) => {
            if (!isSendKey(event)) return;
            event.preventDefault();
            send();
          }}
          onPaste={(event) => uploads.add(pastedFiles(event))}
        />
        <button class="go" type="button" aria-label={t('send')} data-testid="widget-send" disabled={!canSend()} onClick={send}>
          <Icon name="send" />
        </button>
      </div>
    </div>
  );
}
