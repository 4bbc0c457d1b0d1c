import { createEffect, createSignal, For, lazy, on, Show, Suspense, type JSX } from 'solid-js';
import { size } from '../../../ui/format.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { messageWith } from '../../../ui/thread.ts';
import { isComposing, pastedFiles } from '../../../ui/writing.ts';
import { change } from '../../actions/acts.ts';
import newline from '../../actions/composer/newline.ts';
import sendAction from '../../actions/composer/send.ts';
import { pressedIn } from '../../actions/keymap.ts';
import { offer } from '../../actions/scene.ts';
import { keycaps } from '../../actions/keycaps.ts';
import { channelName } from '../../channels/words.ts';
import { useDesk } from '../../store/desk.ts';
import type { Standing } from '../../store/standing.ts';
import { toast } from '../../store/toast.ts';
import { sentence } from '../../words/errors.ts';
import { t } from '../../words/texts.ts';
import { authorOf, excerptOf } from '../said.ts';
import { createComposing, sendLabel, TABS, type Tab } from './compose.ts';
import s from './composer.module.css';
import { Closed, Countdown, Lengths, Removed } from './Limits.tsx';
import { Recipients } from './Recipients.tsx';

const Templates = lazy(() => import('./Templates.tsx'));
const LINES = { least: 3, most: 12, px: 22, frame: 18 };
/** Keys that the foot names. */
const KEYS = { send: keycaps(sendAction), newline: keycaps(newline) };

/** Reply or note to a conversation: the view of `compose.ts`. */
export function Composer(props: { readonly conv: string; readonly name: string; readonly standing: Standing }): JSX.Element {
  const desk = useDesk();
  const composing = createComposing(desk, props);
  const { tab, setTab, text, uploads, channel, room, isResolved, isRemoved, answered, mail, editing } = composing;
  const [isOver, setOver] = createSignal(false);
  const [isChoosing, setChoosing] = createSignal(false);
  let box!: HTMLTextAreaElement;
  let picker!: HTMLInputElement;

  createEffect(
    on(text, () => {
      box.style.height = 'auto';
      const px = Math.min(LINES.most * LINES.px, Math.max(LINES.least * LINES.px, box.scrollHeight - LINES.frame));
      box.style.height = `${px + LINES.frame}px`;
    }),
  );
  // Deferred: an answer found in a draft doesn't take the focus, one that is chosen now does.
  createEffect(
    on(composing.answers, (id) => {
      if (id === '') return;
      if (answered()?.note === true) setTab('note');
      box.focus();
    }, { defer: true }),
  );
  createEffect(
    on(() => editing()?.target, (target) => {
      if (target !== undefined) setTab(messageWith(desk.threads.of(props.conv)(), target)?.note === true ? 'note' : 'reply');
    }),
  );
  // Begun by a key or the menu: the words are there, the cursor behind them. Left: the draft is there again.
  createEffect(
    on(() => editing()?.target, (target) => {
      if (target === undefined) return;
      // Once the menu that it was chosen from has given the focus back.
      setTimeout(() => {
        box.focus();
        box.setSelectionRange(box.value.length, box.value.length);
      });
    }, { defer: true }),
  );
  const send = (): void => {
    const outcome = composing.send();
    if (outcome === 'full') toast({ text: t('error.outbox_full') });
    if (outcome === 'sent') box.focus();
  };
  const keyed = (event: KeyboardEvent): void => {
    if (!isComposing(event)) pressedIn('composer', event, desk);
  };
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    uploads.add([...(event.dataTransfer?.files ?? [])]);
  };
  const focusTab = (next: Tab): void => {
    composing.leaveEditing();
    setTab(next);
    box.focus();
  };
  offer('composer', {
    write: focusTab,
    send,
    leave: () => {
      if (editing() !== undefined) return composing.leaveEditing();
      box.blur();
      document.getElementById('list')?.focus();
    },
  });

  return (
    <section
      class={s['composer']}
      classList={{ [s['noting'] ?? '']: tab() === 'note', [s['dropping'] ?? '']: isOver() }}
      data-pane
      aria-label={t(`tab.${tab()}`)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={dropped}
    >
      <div class={s['tabs']}>
        <div class={s['kinds']} role="tablist" aria-label={t('tabs')}>
          <For each={TABS}>
            {(one) => (
              <button
                type="button"
                role="tab"
                aria-selected={tab() === one}
                aria-controls="composer-box"
                tabindex={tab() === one ? 0 : -1}
                data-testid={`tab-${one}`}
                onClick={() => focusTab(one)}
                onKeyDown={(event) => {
                  if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
                  setTab(one === 'reply' ? 'note' : 'reply');
                  const { nextElementSibling, previousElementSibling } = event.currentTarget;
                  ((nextElementSibling ?? previousElementSibling) as HTMLElement | null)?.focus();
                }}
              >
                {t(`tab.${one}`)}
              </button>
            )}
          </For>
        </div>
        <Show when={isResolved() && tab() === 'reply'}>
          <span class={s['hint']}>
            {t('composer.resolved')}
            <button type="button" onClick={() => void change(desk, props.conv, 'reopen')}>
              {t('reopen')}
            </button>
          </span>
        </Show>
        <Show when={tab() === 'note'}>
          <span class={s['hint']}>{t('note.unseen')}</span>
        </Show>
        <Show when={!isResolved() && !isRemoved() && tab() === 'reply'}>
          <Countdown channel={props.standing.channel} room={room()} />
        </Show>
      </div>
      <Show when={!isResolved() && tab() === 'reply'}>
        <Show
          when={isRemoved()}
          fallback={
            <Closed
              channel={props.standing.channel}
              known={channel()}
              room={room()}
              onTemplate={() => setChoosing(true)}
            />
          }
        >
          <Removed />
        </Show>
      </Show>
      <Show when={isChoosing()}>
        <Suspense>
          <Templates conv={props.conv} inbox={props.standing.inbox} channel={props.standing.channel} onClose={() => setChoosing(false)} />
        </Suspense>
      </Show>
      <Show when={tab() === 'reply' && mail()}>
        {(known) => (
          <Recipients known={known()} customer={composing.customer()} onChoose={composing.choose} />
        )}
      </Show>
      <Show when={editing()}>
        <p class={s['quote']} data-testid="editing">
          <Icon name="edit" />
          <span class="cut grow">
            <b>{t('composer.changing')}</b> {editing()?.before}
          </span>
          <button class="ib" type="button" aria-label={t('composer.leave_change')} title={t('composer.leave_change')} data-testid="editing-leave" onClick={composing.leaveEditing}>
            <Icon name="close" />
          </button>
        </p>
      </Show>
      <Show when={editing() === undefined && answered()}>
        {(message) => (
          <p class={s['quote']} data-testid="answering">
            <Icon name="reply" />
            <span class="cut grow">
              <b>{authorOf(desk, message(), props.name)}</b> {excerptOf(message())}
            </span>
            <button class="ib" type="button" aria-label={t('quote.remove')} onClick={composing.answerNone}>
              <Icon name="close" />
            </button>
          </p>
        )}
      </Show>
      <textarea
        id="composer-box"
        ref={box}
        class={s['box']}
        data-testid="composer"
        aria-label={tab() === 'note' ? t('composer.note') : t('composer.reply', { name: props.name })}
        placeholder={tab() === 'note' ? t('composer.note') : t('composer.reply', { name: props.name })}
        value={text()}
        onInput={(event) => composing.write(event.currentTarget.value)}
        onKeyDown={keyed}
        onPaste={(event) => uploads.add(pastedFiles(event))}
        onBlur={composing.stoppedTyping}
      />
      <Show when={editing() === undefined && uploads.items().length > 0}>
        <ul class={s['uploads']}>
          <For each={uploads.items()}>
            {(one) => (
              <li class={s['upload']} data-testid="upload" data-state={one.state}>
                <Icon name="file" />
                <span class="cut">{one.file.name || t('row.image')}</span>
                <span class={s['size']}>{one.state === 'running' ? `${Math.round(one.part * 100)}%` : size(one.file.size)}</span>
                <Show when={composing.lossOf(one)}>
                  {(as) => (
                    <span class={s[as() === 'upload.as_nothing' ? 'bad' : 'size']}>
                      {t(as(), { channel: channelName(props.standing.channel) })}
                    </span>
                  )}
                </Show>
                <Show when={one.state === 'failed'}>
                  <span class={s['bad']}>{sentence(one.code, one.code)}</span>
                  <button type="button" class={s['again']} onClick={() => uploads.retry(one.id)}>
                    {t('retry')}
                  </button>
                </Show>
                <button class="ib" type="button" aria-label={t('upload.cancel', { name: one.file.name })} onClick={() => uploads.cancel(one.id)}>
                  <Icon name="close" />
                </button>
                <Show when={one.state === 'running'}>
                  <progress class={s['bar']} max="1" value={one.part} aria-label={one.file.name} />
                </Show>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <div class={s['acts']}>
        <input
          ref={picker}
          type="file"
          multiple
          class="vh"
          tabindex="-1"
          aria-hidden="true"
          data-testid="attach"
          onChange={(event) => {
            uploads.add([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
            box.focus();
          }}
        />
        <button class="ib" type="button" aria-label={t('attach')} title={t('attach')} disabled={editing() !== undefined} onClick={() => picker.click()}>
          <Icon name="clip" />
        </button>
        <Show when={tab() === 'reply'}>
          <Lengths channel={channel()} text={text().trim()} files={editing() === undefined ? composing.files() : []} room={room()} />
        </Show>
        <span class="grow" />
        <span class={s['keys']}>{t('composer.keys', KEYS)}</span>
        <button class="btn primary" type="button" data-testid="send" disabled={!composing.canSend()} onClick={send}>
          {t(sendLabel(tab(), room(), editing() !== undefined))}
        </button>
      </div>
    </section>
  );
}
