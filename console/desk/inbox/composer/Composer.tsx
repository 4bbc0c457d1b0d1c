import { createEffect, createMemo, createSignal, For, lazy, on, onCleanup, Show, Suspense, type JSX } from 'solid-js';
import { kindOf } from '../../../ui/files.ts';
import { size } from '../../../ui/format.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { messageWith, type Message } from '../../../ui/thread.ts';
import { createUploads, uploadLimits, type Upload } from '../../../ui/uploads.ts';
import { createTyping, isComposing, isSendKey, pastedFiles, sendable } from '../../../ui/writing.ts';
import { isProvider } from '../../channels/known.ts';
import { contextOf, recipients } from '../../channels/mail.ts';
import { Recipients } from './Recipients.tsx';
import { Closed, Countdown, createRoom, Lengths, Removed } from './Limits.tsx';
import { sentAs, type Kept } from '../../channels/plan.ts';
import { channelName } from '../../channels/words.ts';
import { sentence } from '../../words/errors.ts';
import { onKey } from '../../actions/keys.ts';
import { useDesk } from '../../store/desk.ts';
import type { Standing } from '../../store/standing.ts';
import { t } from '../../words/texts.ts';
import { toast } from '../../store/toast.ts';
import s from './composer.module.css';
import { authorOf, excerptOf } from '../said.ts';
import { change } from '../../actions/take.ts';

const Templates = lazy(() => import('./Templates.tsx'));
/** A file's type as the browser guesses it, and once it is there as the node has found it. */
const keptOf = ({ file, attachment }: Upload): Kept => ({ mime: attachment?.mime ?? file.type, bytes: attachment?.bytes ?? file.size });
const LINES = { least: 3, most: 12, px: 22, frame: 18 };

export function Composer(props: { readonly conv: string; readonly name: string; readonly standing: Standing }): JSX.Element {
  const desk = useDesk();
  const [tab, setTab] = createSignal<'reply' | 'note'>('reply');
  const [isOver, setOver] = createSignal(false);
  let box!: HTMLTextAreaElement;
  let picker!: HTMLInputElement;
  const uploads = createUploads(
    () => uploadLimits(desk.connection.limits),
    () => '',
  );
  const text = (): string => desk.drafts.of(props.conv)[tab()];
  /** A file of this answer would not arrive at all. */
  const isHeldUp = (): boolean => uploads.items().some((one) => goesAs(one) === 'upload.as_nothing');
  const canSend = (): boolean => (text().trim() !== '' || uploads.items().length > 0) && !uploads.isBusy() && !isHeldUp();
  const channel = () => desk.channels.of(props.standing.channel);
  const isRemoved = (): boolean => isProvider(props.standing.channel) && desk.channels.isRemoved(props.standing.inbox);
  const files = (): Kept[] => uploads.items().map(keptOf);
  /** What to tell of a file that doesn't arrive as what it is. */
  const goesAs = (one: Upload): 'upload.as_file' | 'upload.as_link' | 'upload.as_nothing' | undefined => {
    const as = tab() === 'reply' ? sentAs(channel(), keptOf(one)) : 'itself';
    return as === 'itself' ? undefined : `upload.as_${as}`;
  };
  const isResolved = (): boolean => props.standing.status === 'resolved';

  createEffect(() => desk.connection.link.name === 'live' && uploads.retryUnreachable());
  createEffect(
    on(text, () => {
      box.style.height = 'auto';
      const px = Math.min(LINES.most * LINES.px, Math.max(LINES.least * LINES.px, box.scrollHeight - LINES.frame));
      box.style.height = `${px + LINES.frame}px`;
    }),
  );

  const typing = createTyping((isTyping) => {
    desk.client.say({ t: 'signal', conv: props.conv, kind: isTyping ? 'typing' : 'stopped' });
  });
  onCleanup(typing.stopped);

  const write = (value: string): void => desk.drafts.keep(props.conv, { [tab()]: value });
  const thread = desk.threads.of(props.conv);
  const room = createRoom(channel, thread);
  const [isChoosing, setChoosing] = createSignal(false);
  const answered = (): Message | undefined => messageWith(thread(), desk.drafts.of(props.conv).answers);
  // Chosen just now, not found in a draft: the cursor goes where the answer is written.
  createEffect(
    on(() => desk.drafts.of(props.conv).answers, (id) => {
      if (id === '') return;
      if (answered()?.note === true) setTab('note');
      box.focus();
    }, { defer: true }),
  );
  const customer = (): string => desk.views.heads[props.conv]?.peer || (contextOf(thread().items)?.['from'] ?? '');
  /** Kept with its conversation: another Reply-To than the one that was seen isn't chosen. */
  const [chosen, setChosen] = createSignal({ conv: '', address: '' });
  const mail = createMemo(() => {
    const said = contextOf(thread().items);
    const address = chosen().conv === props.conv ? chosen().address : '';
    return said && recipients(said, customer(), address);
  });
  const send = (): void => {
    if (!canSend()) return;
    const attachments = uploads.attachments();
    try {
      desk.client.send({
        conv: props.conv,
        text: sendable(text()),
        kind: kindOf(attachments),
        attachments,
        note: tab() === 'note',
        replyTo: desk.drafts.of(props.conv).answers,
        answerTo: tab() === 'reply' && mail()?.doubtful === mail()?.to ? (mail()?.to ?? '') : '',
      });
    } catch {
      toast({ text: t('error.outbox_full') });
      return;
    }
    uploads.clear();
    write('');
    desk.drafts.keep(props.conv, { answers: '' });
    typing.stopped();
    box.focus();
  };
  const keyed = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    if (isSendKey(event)) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      box.blur();
      document.getElementById('list')?.focus();
    }
  };
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    uploads.add([...(event.dataTransfer?.files ?? [])]);
  };
  const focusTab = (next: 'reply' | 'note'): void => {
    setTab(next);
    box.focus();
  };
  onCleanup(onKey('r', () => focusTab('reply')));
  onCleanup(onKey('m', () => focusTab('note')));

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
          <For each={['reply', 'note'] as const}>
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
          <Recipients known={known()} customer={customer()} onChoose={(address) => setChosen({ conv: props.conv, address })} />
        )}
      </Show>
      <Show when={answered()}>
        {(message) => (
          <p class={s['quote']} data-testid="answering">
            <Icon name="reply" />
            <span class="cut grow">
              <b>{authorOf(desk, message(), props.name)}</b> {excerptOf(message())}
            </span>
            <button class="ib" type="button" aria-label={t('quote.remove')} onClick={() => desk.drafts.keep(props.conv, { answers: '' })}>
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
        onInput={(event) => {
          write(event.currentTarget.value);
          if (tab() === 'reply') typing.wrote(event.currentTarget.value);
        }}
        onKeyDown={keyed}
        onPaste={(event) => uploads.add(pastedFiles(event))}
        onBlur={typing.stopped}
      />
      <Show when={uploads.items().length > 0}>
        <ul class={s['uploads']}>
          <For each={uploads.items()}>
            {(one) => (
              <li class={s['upload']} data-testid="upload" data-state={one.state}>
                <Icon name="file" />
                <span class="cut">{one.file.name || t('row.image')}</span>
                <span class={s['size']}>{one.state === 'running' ? `${Math.round(one.part * 100)}%` : size(one.file.size)}</span>
                <Show when={goesAs(one)}>
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
        <button class="ib" type="button" aria-label={t('attach')} title={t('attach')} onClick={() => picker.click()}>
          <Icon name="clip" />
        </button>
        <Show when={tab() === 'reply'}>
          <Lengths channel={channel()} text={text().trim()} files={files()} room={room()} />
        </Show>
        <span class="grow" />
        <span class={s['keys']}>{t('composer.keys')}</span>
        <button class="btn primary" type="button" data-testid="send" disabled={!canSend()} onClick={send}>
          {t(tab() === 'note' ? 'composer.save' : room()?.isOpen === false ? 'composer.hold' : 'composer.send')}
        </button>
      </div>
    </section>
  );
}
