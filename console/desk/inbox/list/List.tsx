import { createEffect, createMemo, createSignal, For, Match, on, Show, Switch, type JSX } from 'solid-js';
import { Virtualizer, type VirtualizerHandle } from 'virtua/solid';
import { density } from '../../../ui/style/density.ts';
import { count } from '../../../ui/format.ts';
import goInbox from '../../actions/go/inbox.ts';
import { pressedIn } from '../../actions/keymap.ts';
import takeNextAction from '../../actions/list/takeNext.ts';
import { offer } from '../../actions/scene.ts';
import { keycaps } from '../../actions/keycaps.ts';
import { inboxHref, type View } from '../../store/address.ts';
import { go } from '../../store/route.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { delayed } from '../../common/delayed.ts';
import s from './list.module.css';
import { Row } from './Row.tsx';
import { takeNext } from '../../actions/acts.ts';
import { PresenceMenu, ViewLinks } from './Views.tsx';

/** Row height in px; equals `--row` in `ui/style/tokens.css`. */
const ROW_PX = { comfortable: 64, compact: 44 };
const AT_HAND = 30;

/** List of a view: a virtualised listbox with one tab stop and `aria-activedescendant`. */
export function List(props: { readonly view: View; readonly selected: string }): JSX.Element {
  const desk = useDesk();
  const [isPointed, setPointed] = createSignal(false);
  const [held, setHeld] = createSignal<readonly string[] | null>(null);
  const [active, setActive] = createSignal('');
  const rows = () => desk.views.rows[props.view];
  let handle: VirtualizerHandle | undefined;
  let scroller: HTMLDivElement | undefined;

  // Reordering waits while the pointer is over the list, so that no row moves under a click.
  createEffect(on(isPointed, (pointed) => setHeld(pointed ? rows().ids : null), { defer: true }));
  createEffect(on(() => props.view, () => (setHeld(null), scroller?.scrollTo({ top: 0 })), { defer: true }));
  const shown = createMemo((): readonly string[] => {
    const frozen = held();
    if (frozen === null) return rows().ids;
    const still = new Set(rows().ids);
    return frozen.filter((id) => still.has(id));
  });
  // Prefetch: the first 30 of *mine* are followed, so that they open at once and their unread count is exact.
  createEffect(() => {
    if (props.view === 'mine') for (const id of rows().ids.slice(0, AT_HAND)) desk.threads.open(id);
  });
  const waiting = (): number => rows().ids.length - shown().length;
  /** Active row: the one last moved to, else the selected, else the first. */
  const current = (): string => [active(), props.selected].find((id) => shown().includes(id)) ?? shown()[0] ?? '';

  const move = (by: number): void => {
    const ids = shown();
    const index = Math.max(0, Math.min(ids.length - 1, ids.indexOf(current()) + by));
    const id = ids[index];
    if (id === undefined) return;
    setActive(id);
    handle?.scrollToIndex(index, { align: 'nearest' });
  };
  const open = (id: string): void => {
    if (id) go(inboxHref(props.view, id));
  };
  /** Arrows belong to every listbox; what else a key does is an action. */
  const keyed = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e6, End: 1e6 };
    const by = steps[event.key];
    if (by === undefined) return void pressedIn('list', event, desk);
    event.preventDefault();
    move(by);
  };
  const focusAndMove = (by: number): void => {
    document.getElementById('list')?.focus();
    move(by);
  };
  offer('list', { move: focusAndMove, open: () => open(current()) });
  const isSlow = delayed(() => !rows().isLoaded);

  return (
    <section class={s['list']} data-part="list" data-pane aria-label={t(`view.${props.view}`)}>
      <header class="head">
        <h2 class={s['title']}>
          {t(`view.${props.view}`)} <span>{count(desk.views.counts[props.view])}</span>
        </h2>
        <nav class={s['tabs']} aria-label={t('views')}>
          <ViewLinks view={props.view} isCompact />
        </nav>
        <span class="grow" />
        <span class={s['presence']}>
          <PresenceMenu />
        </span>
        <button
          class="btn"
          type="button"
          data-testid="take-next"
          disabled={desk.views.counts.queue === 0}
          onClick={() => void takeNext(desk)}
        >
          {t('take_next')} <kbd aria-hidden="true">{keycaps(takeNextAction)}</kbd>
        </button>
      </header>
      <Show when={waiting() > 0}>
        <button class={s['held']} type="button" onClick={() => setHeld(rows().ids)}>
          {t('list.held', { n: waiting() })}
        </button>
      </Show>
      <Switch>
        <Match when={!rows().isLoaded && rows().ids.length === 0}>
          <Show when={isSlow()}>
            <Skeleton />
          </Show>
        </Match>
        <Match when={shown().length === 0}>
          <div class="empty">
            <h3>{t(`empty.${props.view}`)}</h3>
            <p>{t(`empty.${props.view}_hint`)}</p>
            <Show when={props.view === 'mine' && desk.views.counts.queue > 0}>
              <button class="btn" type="button" onClick={() => void takeNext(desk)}>
                {t('take_next')}
              </button>
            </Show>
            <Show when={props.view !== 'mine'}>
              <a class="btn" href={inboxHref('mine')}>
                {t('empty.go_mine', { n: desk.views.counts.mine })} <kbd aria-hidden="true">{keycaps(goInbox)}</kbd>
              </a>
            </Show>
          </div>
        </Match>
        <Match when={shown().length > 0}>
          <div
            id="list"
            ref={scroller}
            class={s['rows']}
            role="listbox"
            tabindex="0"
            aria-label={t(`view.${props.view}`)}
            aria-activedescendant={current() ? `row-${current()}` : undefined}
            onKeyDown={keyed}
            onPointerEnter={(event) => event.pointerType === 'mouse' && setPointed(true)}
            onPointerLeave={() => setPointed(false)}
          >
            <Virtualizer ref={(it) => (handle = it)} data={shown()} itemSize={ROW_PX[density()]} keepMounted={[Math.max(0, shown().indexOf(current()))]}>
              {(id) => (
                <Row
                  conv={id}
                  view={props.view}
                  isSelected={props.selected === id}
                  isActive={current() === id}
                  onOpen={() => {
                    setActive(id);
                    open(id);
                  }}
                />
              )}
            </Virtualizer>
          </div>
        </Match>
      </Switch>
      <footer class={s['foot']}>
        <span class={`dot ${desk.connection.link.name === 'live' ? 'online' : 'offline'}`} />
        <span class="cut">{t('list.foot', { n: shown().length })}</span>
        <Show when={rows().more}>
          <span>{t('list.more')}</span>
        </Show>
      </footer>
    </section>
  );
}

function Skeleton(): JSX.Element {
  return (
    <div class={s['rows']} aria-hidden="true">
      <For each={[0, 1, 2, 3, 4, 5]}>
        {() => (
          <div class={s['ghost']}>
            <i class="sk" />
            <span>
              <i class="sk" />
              <i class="sk" />
            </span>
            <span>
              <i class="sk" />
              <i class="sk" />
            </span>
          </div>
        )}
      </For>
    </div>
  );
}
