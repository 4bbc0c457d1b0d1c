import { createEffect, createMemo, createSignal, For, Match, on, onCleanup, Show, Switch, type JSX } from 'solid-js';
import { Body, type BodyTexts, type Quote } from '../ui/Body.tsx';
import { clock, day, dayOf, exact } from '../ui/format.ts';
import { layout, type Line } from '../ui/layout.ts';
import { reuse } from '../ui/reuse.ts';
import { Ticks } from '../ui/Ticks.tsx';
import { deliveryOf, messageWith, withUnsent, type Delivery, type Item, type Message } from '../ui/thread.ts';
import { Composer } from './Composer.tsx';
import { picture } from './pictures.ts';
import type { Place } from './place.ts';
import { isHeldUp } from '../ui/unsent.ts';
import { locale, t, type TextKey } from './texts.ts';
import type { InboxInfo } from './info.ts';
import type { Visitor } from './visitor.ts';

const PICTURE_PX = 220;
const END_PX = 48;
/** Something waits, and there is no line: told after this, not only after the second try. */
const LATE_MS = 2_000;

const REFUSALS: Readonly<Record<string, TextKey>> = {
  'text.too_long': 'error.text_long',
  'event.too_large': 'error.text_long',
  'log.too_large': 'error.text_long',
  'socket.4413': 'error.text_long',
  'text.invalid': 'error.text_invalid',
  'frame.invalid': 'error.text_invalid',
  'socket.4400': 'error.text_invalid',
  'file.not_found': 'error.file',
};
/** Why a message can't be sent, in words that a visitor can act on. */
const refusal = (code: string): TextKey => REFUSALS[code] ?? 'error.message';

/** The conversation as the visitor sees it: messages, and that it ended; nothing of what happens behind the desk. */
export function Chat(props: { readonly visitor: Visitor; readonly place: Place; readonly info: InboxInfo }): JSX.Element {
  let scroller!: HTMLDivElement;
  const [isAtEnd, setAtEnd] = createSignal(true);
  const convOf = new Map<string, string>();

  const items = createMemo((): Item[] => {
    const all = props.visitor.threads().flatMap(({ conv, thread }) => {
      for (const item of thread.items) convOf.set(item.id, conv);
      return thread.items.filter(
        (item) => item.is === 'message' || item.event.type === 'conversation.resolved' || item.event.type === 'conversation.closed',
      );
    });
    const shown = new Set(all.map((item) => item.id));
    const unsent = props.visitor.entries().filter((entry) => !shown.has(entry.id));
    for (const entry of unsent) if (entry.conv !== null) convOf.set(entry.id, entry.conv);
    return withUnsent(all, unsent, props.visitor.me);
  });
  const lines = createMemo<Line[]>(
    (before) => reuse(before, layout(items(), { dayOf, readUpTo: null, isMine: (message) => message.by.kind === 'visitor' })),
    [],
  );
  const isComplete = (): boolean => props.visitor.threads()[0]?.thread.complete ?? true;
  const fromThem = createMemo((): Message[] =>
    items().flatMap((item) => (item.is === 'message' && item.by.kind !== 'visitor' && item.seq > 0 ? [item] : [])),
  );

  const toEnd = (): void => scroller.scrollTo({ top: scroller.scrollHeight });
  createEffect(on(lines, () => isAtEnd() && requestAnimationFrame(toEnd)));
  createEffect(() => props.place.isOpen() && requestAnimationFrame(toEnd));
  const observer = new ResizeObserver(() => isAtEnd() && toEnd());
  queueMicrotask(() => observer.observe(scroller));
  onCleanup(() => observer.disconnect());

  // Marks: delivered when it is here, read when it is looked at.
  const [isVisible, setVisible] = createSignal(document.visibilityState === 'visible');
  const seen = (): void => void setVisible(document.visibilityState === 'visible');
  document.addEventListener('visibilitychange', seen);
  onCleanup(() => document.removeEventListener('visibilitychange', seen));
  const isRead = (): boolean => props.place.isOpen() && isVisible() && isAtEnd();
  const readUpTo = (conv: string): number =>
    props.visitor.threads().find((one) => one.conv === conv)?.thread.marks.read['visitor'] ?? 0;
  const [readHere, setReadHere] = createSignal<Readonly<Record<string, number>>>({});
  const unread = (): number =>
    fromThem().filter((message) => {
      const conv = convOf.get(message.id) ?? '';
      return message.seq > Math.max(readUpTo(conv), readHere()[conv] ?? 0);
    }).length;
  createEffect(() => {
    const last = fromThem().at(-1);
    const conv = last === undefined ? undefined : convOf.get(last.id);
    if (last === undefined || conv === undefined || props.visitor.link().name !== 'live') return;
    const looked = isRead();
    if (looked && readUpTo(conv) >= last.seq) return;
    const timer = setTimeout(() => {
      props.visitor.mark(conv, last.seq, looked);
      if (looked) setReadHere((known) => ({ ...known, [conv]: last.seq }));
    }, 300);
    onCleanup(() => clearTimeout(timer));
  });
  createEffect(() => props.place.tell({ t: 'unread', n: unread() }));

  const said = (): string => {
    const last = fromThem().at(-1);
    return last === undefined || !props.place.isOpen() ? '' : t('said', { name: last.by.name || t('team'), text: last.text });
  };
  const unsent = (): number => props.visitor.entries().filter((entry) => entry.state === 'waiting' || entry.state === 'sending').length;
  const isStuck = createMemo((): boolean => props.visitor.link().name !== 'live' && unsent() > 0);
  const [isLate, setLate] = createSignal(false);
  createEffect(() => {
    setLate(false);
    if (!isStuck()) return;
    const timer = setTimeout(() => setLate(true), LATE_MS);
    onCleanup(() => clearTimeout(timer));
  });
  /** No network, tried twice in vain, or a line that takes no messages: a short loss is nobody's business. */
  const isAway = (): boolean => {
    const link = props.visitor.link();
    return link.name === 'offline' || (link.name !== 'live' && link.tries >= 2) || isLate() || isHeldUp(props.visitor.entries());
  };
  const as = <K extends Line['is']>(line: Line, is: K): Extract<Line, { is: K }> | undefined =>
    line.is === is ? (line as Extract<Line, { is: K }>) : undefined;

  return (
    <>
      <div
        class="bd"
        ref={scroller}
        tabindex="0"
        role="region"
        aria-label={t('log')}
        onScroll={() => setAtEnd(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < END_PX)}
      >
        <div class="hello">
          <h2>{props.info.greeting || t('greeting')}</h2>
          <Show when={items().length === 0}>
            <p>{t('greeting_hint')}</p>
          </Show>
        </div>
        <Show when={!isComplete()}>
          <button class="sec" type="button" onClick={() => props.visitor.older()}>
            {t('earlier')}
          </button>
        </Show>
        <For each={lines()}>
          {(line) => (
            <Switch>
              <Match when={as(line, 'day')}>{(one) => <p class="sep">{day(one().at, Date.now(), locale())}</p>}</Match>
              <Match when={as(line, 'facts')}>
                <p class="sep">{t('ended')}</p>
              </Match>
              <Match when={as(line, 'message')}>
                {(one) => (
                  <Bubble
                    message={one().message}
                    isFirst={one().first}
                    isLast={one().last}
                    conv={convOf.get(one().message.id) ?? ''}
                    visitor={props.visitor}
                    place={props.place}
                  />
                )}
              </Match>
            </Switch>
          )}
        </For>
        <Show when={props.visitor.typing() !== null}>
          <p class="typ" data-testid="typing" role="img" aria-label={t('typing', { name: props.visitor.typing() || t('team') })}>
            <i />
            <i />
            <i />
          </p>
        </Show>
      </div>
      <p class="vh" aria-live="polite">
        {said()}
      </p>
      <p class="strip" role="status" data-testid="connection" data-state={isAway() && props.visitor.link().name === 'live' ? 'held' : props.visitor.link().name} hidden={!isAway()}>
        {unsent() > 0 ? t('unsent', { n: unsent() }) : t('offline')}
      </p>
      <Composer visitor={props.visitor} place={props.place} />
    </>
  );
}

function Bubble(props: {
  readonly message: Message;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly conv: string;
  readonly visitor: Visitor;
  readonly place: Place;
}): JSX.Element {
  const isMine = (): boolean => props.message.by.kind === 'visitor';
  const entry = () => props.visitor.entries().find((one) => one.id === props.message.id);
  const marks = () => props.visitor.threads().find((one) => one.conv === props.conv)?.thread.marks ?? { read: {}, delivered: {} };
  const state = (): Delivery => deliveryOf(props.message, marks(), (reader) => reader !== 'visitor', entry());
  /** Only of what the visitor may see: an answer to a note quotes nothing here. */
  const quote = (): Quote | undefined => {
    const original = props.visitor.threads().map(({ thread }) => messageWith(thread, props.message.replyTo)).find((one) => one !== undefined);
    return original && {
      name: original.by.kind === 'visitor' ? t('you') : original.by.name || t('team'),
      text: original.recalled ? t('recalled') : original.text || original.attachments[0]?.name || '',
      show: () => document.querySelector(`[data-id="${CSS.escape(original.id)}"]`)?.scrollIntoView({ block: 'center' }),
    };
  };
  const texts: BodyTexts = {
    picture: (name) => t('picture', { name }),
    lost: (name) => name,
    get recalled() {
      return t('recalled');
    },
    get edited() {
      return t('edited');
    },
  };
  return (
    <article
      class="g"
      classList={{ first: props.isFirst }}
      data-testid="message"
      data-seq={props.message.seq}
      data-id={props.message.id}
      data-kind={props.message.kind}
      data-by={props.message.by.kind}
      data-side={isMine() ? 'me' : 'them'}
      data-state={isMine() ? state() : undefined}
    >
      <span class="vh">{isMine() ? t('you') : props.message.by.name || t('team')}</span>
      <Body
        message={props.message}
        wide={PICTURE_PX}
        texts={texts}
        quote={quote()}
        locale={locale()}
        isFirst={props.isFirst}
        files={(seq, n) => picture(props.conv, seq, n, props.place.token)}
      />
      <Show when={props.isLast || state() === 'failed'}>
        <small title={exact(props.message.at, locale())}>
          {clock(props.message.at, locale())}
          <Show when={isMine()}>
            {' '}
            <Show when={state() === 'failed'} fallback={t(`delivery.${state()}`)}>
              <span class="bad">{t(refusal(entry()?.error?.code ?? ''))}</span>
              <button type="button" data-testid="retry" onClick={() => props.visitor.retry(props.message.id)}>
                {t('retry')}
              </button>
              <button type="button" onClick={() => props.visitor.discard(props.message.id)}>
                {t('discard')}
              </button>
            </Show>
            <Ticks state={state()} label="" />
          </Show>
        </small>
      </Show>
    </article>
  );
}
