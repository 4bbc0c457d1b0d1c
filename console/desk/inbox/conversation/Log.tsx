import { createEffect, createMemo, createSignal, For, lazy, Match, on, onCleanup, onMount, Show, Suspense, Switch, type JSX } from 'solid-js';
import { Virtualizer, type VirtualizerHandle } from 'virtua/solid';
import { dayOf } from '../../../ui/format.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { layout, type Line } from '../../../ui/layout.ts';
import { reuse } from '../../../ui/reuse.ts';
import { isPublic, messageWith, withUnsent, type Fact, type Item, type Message } from '../../../ui/thread.ts';
import { begin } from '../../actions/changes.ts';
import { offer } from '../../actions/scene.ts';
import type { View } from '../../store/address.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { delayed } from '../../common/delayed.ts';
import { LineView } from './Line.tsx';
import s from './log.module.css';

const Withdraw = lazy(() => import('./Withdraw.tsx'));
/** Distance to the end, px, within which the log sticks to it. */
const END_PX = 48;
const OLDER_WITHIN_PX = 600;

/** `queue.left` by assignment is hidden: the assignment beside it says the same. */
const isSaidOtherwise = ({ event }: Fact): boolean => event.type === 'queue.left' && event.outcome === 'accepted';

/** Message log, virtualised: sticks to the end, else holds its scroll position; loads older events near the top. */
export function Log(props: {
  readonly conv: string;
  readonly goTo: number;
  readonly name: string;
  readonly view: View;
  readonly isMine: boolean;
}): JSX.Element {
  const desk = useDesk();
  const thread = desk.threads.of(props.conv);
  const readAtOpening = Math.max(desk.views.heads[props.conv]?.read?.[desk.me.id] ?? 0, desk.threads.readUpTo[props.conv] ?? 0);
  let scroller!: HTMLDivElement;
  let handle: VirtualizerHandle | undefined;
  let isPlaced = false;
  const [isAtEnd, setAtEnd] = createSignal(true);

  const items = createMemo((): Item[] => {
    const shown = new Set(thread().items.map((item) => item.id));
    const unsent = desk.connection.entries.filter((entry) => entry.conv === props.conv && !shown.has(entry.id));
    const told = thread().items.filter((item) => item.is === 'message' || !isSaidOtherwise(item));
    return withUnsent(told, unsent, desk.me);
  });
  const drawn = createMemo<{ lines: Line[]; isShift: boolean }>(
    (before) => {
      const lines = reuse(
        before.lines,
        layout(items(), {
          dayOf,
          readUpTo: readAtOpening > 0 ? readAtOpening : null,
          isMine: (message) => message.by.kind === 'agent' || message.seq === 0,
        }),
      );
      const last = before.lines.at(-1)?.key;
      return { lines, isShift: last !== undefined && last === lines.at(-1)?.key && lines.length > before.lines.length };
    },
    { lines: [], isShift: false },
  );

  const toEnd = (): void => handle?.scrollToIndex(drawn().lines.length - 1, { align: 'end' });
  const lineOf = (is: (message: Message) => boolean): number =>
    drawn().lines.findIndex((line) => line.is === 'message' && is(line.message));

  const place = (): void => {
    const fresh = drawn().lines.findIndex((line) => line.is === 'fresh');
    if (fresh >= 0) handle?.scrollToIndex(Math.max(0, fresh - 1), { align: 'start' });
    else toEnd();
  };

  createEffect(
    on(drawn, ({ lines, isShift }) => {
      if (lines.length === 0 || isShift) return;
      if (isPlaced && !isAtEnd()) return;
      const first = !isPlaced;
      isPlaced = true;
      requestAnimationFrame(() => (first && !props.goTo ? place() : isAtEnd() && toEnd()));
    }),
  );

  // An own new message scrolls to the end from anywhere.
  const unsentHere = createMemo(() => desk.connection.entries.filter((entry) => entry.conv === props.conv).length);
  createEffect(
    on(unsentHere, (now, before = now) => {
      if (now <= before) return;
      setAtEnd(true);
      requestAnimationFrame(toEnd);
    }),
  );

  // Deep link or quote: load older events until the target is here, then scroll to it once.
  const [target, setTarget] = createSignal({ seq: 0, id: '' }, { equals: false });
  let isShown = true;
  const seek = (to: { readonly seq: number; readonly id: string }): void => {
    isShown = false;
    setTarget(to);
  };
  const isTarget = (message: Message): boolean =>
    target().id === '' ? target().seq > 0 && message.seq === target().seq : message.id === target().id;
  createEffect(() => seek({ seq: props.goTo, id: '' }));
  createEffect(() => {
    const { seq, id } = target();
    const { items: known, complete } = thread();
    if (isShown || (!seq && !id) || desk.threads.synced[props.conv] !== true || known.length === 0) return;
    const isHere = id === '' ? (known[0]?.seq ?? 0) <= seq : known.some((item) => item.id === id);
    if (!isHere && !complete) {
      desk.threads.older(props.conv);
      return;
    }
    isShown = true;
    setAtEnd(false);
    const place = lineOf((message) => (id === '' ? message.seq >= seq : message.id === id));
    requestAnimationFrame(() => place >= 0 && handle?.scrollToIndex(place, { align: 'center' }));
  });

  const scrolled = (): void => {
    setAtEnd(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < END_PX);
    if (scroller.scrollTop < OLDER_WITHIN_PX && isPlaced) desk.threads.older(props.conv);
  };
  onMount(() => {
    const observer = new ResizeObserver(() => isAtEnd() && toEnd());
    observer.observe(scroller);
    onCleanup(() => observer.disconnect());
  });

  // Read mark: by the assignee, at the end of the log, in a focused and visible window.
  const [isFocused, setFocused] = createSignal(document.hasFocus());
  const focusChanged = (): void => void setFocused(document.hasFocus() && document.visibilityState === 'visible');
  for (const name of ['focus', 'blur'] as const) {
    addEventListener(name, focusChanged);
    onCleanup(() => removeEventListener(name, focusChanged));
  }
  createEffect(() => {
    if (!props.isMine || !isFocused() || !isAtEnd() || desk.connection.link.name !== 'live') return;
    const last = thread().items.findLast((item) => isPublic(item) && item.by.kind !== 'agent');
    if (last === undefined) return;
    const timer = setTimeout(() => desk.threads.read(props.conv, last.seq), 400);
    onCleanup(() => clearTimeout(timer));
  });

  /** The message that has the focus, else the last one of one's own that isn't withdrawn. */
  const meant = (): Message | undefined => {
    const focused = document.activeElement?.closest<HTMLElement>('[data-testid=message]')?.dataset['id'] ?? '';
    const isMine = (item: Item): item is Message => item.is === 'message' && item.by.kind === 'agent' && item.by.id === desk.me.id && !item.recalled;
    return messageWith(thread(), focused) ?? thread().items.findLast(isMine);
  };
  offer('message', {
    edit: () => begin(desk, props.conv, meant(), 'edit'),
    recall: () => begin(desk, props.conv, meant(), 'recall'),
  });
  const doubted = (): Message | undefined => messageWith(thread(), desk.changes.doubted(props.conv) ?? '');

  const typing = () => {
    const now = desk.typing.of(props.conv);
    return now !== undefined && now.byKind !== 'agent' ? now : undefined;
  };
  const isSlow = delayed(() => items().length === 0 && desk.threads.synced[props.conv] !== true);
  const behind = (): number =>
    isAtEnd() ? 0 : thread().items.filter((item) => isPublic(item) && item.by.kind !== 'agent' && item.seq > lastSeen()).length;
  const lastSeen = createMemo<number>((seen) => (isAtEnd() ? (thread().items.at(-1)?.seq ?? 0) : seen), 0);

  return (
    <div class={s['frame']}>
      <Switch>
        <Match when={items().length > 0}>{null}</Match>
        <Match when={isSlow()}>
          <div class={s['ghosts']} aria-hidden="true">
            <For each={[0, 1, 2, 3]}>{() => <i class="sk" />}</For>
          </div>
        </Match>
      </Switch>
      <div
        class={s['log']}
        ref={scroller}
        role="log"
        tabindex="0"
        aria-label={t('conversation.with', { name: props.name })}
        onScroll={scrolled}
      >
        <div class="grow" />
        <Virtualizer ref={(it) => (handle = it)} data={drawn().lines} shift={drawn().isShift} scrollRef={scroller}>
          {(line) => <LineView line={line} conv={props.conv} name={props.name} view={props.view} isTarget={isTarget} onSeek={(id) => seek({ seq: 0, id })} />}
        </Virtualizer>
      </div>
      <Show when={behind() > 0}>
        <button class={s['jump']} type="button" onClick={toEnd}>
          <Icon name="down" />
          {t('log.behind', { n: behind() })}
        </button>
      </Show>
      <Show when={doubted()}>
        {(message) => (
          <Suspense>
            <Withdraw conv={props.conv} message={message()} />
          </Suspense>
        )}
      </Show>
      <p class={s['typing']} aria-live="polite" data-testid="typing">
        <Show when={typing()}>
          <span class={s['dots']} aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {t('typing.visitor', { name: props.name })}
        </Show>
      </p>
    </div>
  );
}
