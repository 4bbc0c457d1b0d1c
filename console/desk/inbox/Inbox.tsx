import { createEffect, createSignal, onCleanup, Show, type JSX } from 'solid-js';
import { Contact } from './Contact.tsx';
import { Conversation } from './conversation/Conversation.tsx';
import { List } from './list/List.tsx';
import { takeNext } from '../actions/acts.ts';
import { Views } from './list/Views.tsx';
import next from '../actions/list/next.ts';
import open from '../actions/list/open.ts';
import previous from '../actions/list/previous.ts';
import takeNextAction from '../actions/list/takeNext.ts';
import { offer } from '../actions/scene.ts';
import { keycaps } from '../actions/keycaps.ts';
import { inboxHref, type View } from '../store/address.ts';
import { go, route } from '../store/route.ts';
import { useDesk } from '../store/desk.ts';
import { t } from '../words/texts.ts';
import s from './inbox.module.css';

/** Keys that the hint names. */
const KEYS = { next: keycaps(next), previous: keycaps(previous), open: keycaps(open) };
/** Width from which on the contact pane stands beside the conversation; below it overlays. */
const WIDE = matchMedia('(min-width: 1280px)');

/** Inbox page: panes for views, list, conversation and contact. */
export function Inbox(): JSX.Element {
  const desk = useDesk();
  const [isViewsOpen, setViewsOpen] = createSignal(true);
  const [isWide, setWide] = createSignal(WIDE.matches);
  const [isContactOpen, setContactOpen] = createSignal(WIDE.matches);
  const widened = (): void => {
    setWide(WIDE.matches);
    setContactOpen(WIDE.matches);
  };
  WIDE.addEventListener('change', widened);
  onCleanup(() => WIDE.removeEventListener('change', widened));
  const place = () => {
    const at = route();
    return at.page === 'inbox' ? at : { view: 'mine' as View, conv: '', seq: 0 };
  };
  createEffect(() => desk.views.watch(place().view));
  createEffect(() => {
    const { conv } = place();
    if (conv) desk.threads.open(conv);
  });
  offer('inbox', {
    toggleViews: () => setViewsOpen((open) => !open),
    toggleContact: () => setContactOpen((open) => !open),
    closeConversation: () => {
      go(inboxHref(place().view));
      document.getElementById('list')?.focus();
    },
  });
  offer('page', {
    back: () => {
      if (isContactOpen() && !isWide()) setContactOpen(false);
      else document.getElementById('list')?.focus();
    },
  });
  return (
    <div
      class={s['inbox']}
      data-open={place().conv ? 'conversation' : 'list'}
      data-views={isViewsOpen() ? 'open' : 'shut'}
      data-contact={isContactOpen() ? 'open' : 'shut'}
    >
      <Views view={place().view} />
      <List view={place().view} selected={place().conv} />
      <Show when={place().conv} keyed fallback={<Nothing />}>
        {(conv) => (
          <>
            <Conversation
              conv={conv}
              view={place().view}
              goTo={place().seq}
              isContactOpen={isContactOpen()}
              onContact={() => setContactOpen((open) => !open)}
            />
            <Contact conv={conv} onClose={() => setContactOpen(false)} />
          </>
        )}
      </Show>
    </div>
  );
}

function Nothing(): JSX.Element {
  const desk = useDesk();
  return (
    <div class={s['nothing']}>
      <div class="empty">
        <h2>{t('inbox.nothing')}</h2>
        <p>{desk.views.counts.queue > 0 ? t('inbox.nothing_waiting', { n: desk.views.counts.queue }) : t('inbox.nothing_hint', KEYS)}</p>
        <Show when={desk.views.counts.queue > 0}>
          <button class="btn" type="button" onClick={() => void takeNext(desk)}>
            {t('take_next')} <kbd aria-hidden="true">{keycaps(takeNextAction)}</kbd>
          </button>
        </Show>
      </div>
    </div>
  );
}
