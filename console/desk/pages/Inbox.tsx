import { createEffect, createSignal, onCleanup, Show, type JSX } from 'solid-js';
import { Contact } from '../inbox/Contact.tsx';
import { Conversation } from '../inbox/Conversation.tsx';
import { List } from '../inbox/List.tsx';
import { Views } from '../inbox/Views.tsx';
import { nextPane, onKey } from '../keys.ts';
import { go, inboxHref, route, type View } from '../route.ts';
import { useDesk } from '../store/desk.ts';
import { t } from '../texts.ts';
import s from './inbox.module.css';

/** Views, list, conversation, contact: side by side as far as the width allows. */
export function Inbox(): JSX.Element {
  const desk = useDesk();
  const [isContactOpen, setContactOpen] = createSignal(false);
  const place = () => {
    const at = route();
    return at.page === 'inbox' ? at : { view: 'mine' as View, conv: '', seq: 0 };
  };
  createEffect(() => desk.watch(place().view));
  createEffect(() => {
    const { conv } = place();
    if (conv) desk.open(conv);
  });
  onCleanup(onKey('F6', nextPane));
  onCleanup(
    onKey('u', () => {
      go(inboxHref(place().view));
      document.getElementById('list')?.focus();
    }),
  );
  onCleanup(
    onKey('Escape', () => {
      if (isContactOpen()) setContactOpen(false);
      else document.getElementById('list')?.focus();
    }),
  );
  return (
    <div class={s['inbox']} data-open={place().conv ? 'conversation' : 'list'} data-contact={isContactOpen() ? 'open' : 'shut'}>
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
  return (
    <div class={s['nothing']}>
      <div class="empty">
        <h2>{t('inbox.nothing')}</h2>
        <p>{t('inbox.nothing_hint')}</p>
      </div>
    </div>
  );
}
