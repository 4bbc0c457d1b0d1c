/**
 * State of a conversation: its head, brought up to date with loaded events of a higher sequence; folded from events
 * alone if there is no head any more. Pure.
 */
import type { Head } from '../../client/index.ts';
import type { Item, Thread } from '../../ui/thread.ts';

export interface Standing {
  readonly status: NonNullable<Head['status']>;
  readonly agent: string;
  readonly contact: string;
  readonly contactName: string;
  readonly channel: string;
  readonly inbox: string;
  readonly openedAt: number;
  readonly source: NonNullable<Head['source']>;
}

export function standing(head: Head | undefined, thread: Thread): Standing {
  const start: Standing = {
    status: head?.status ?? 'queued',
    agent: head?.agent ?? '',
    contact: head?.contact?.id ?? '',
    contactName: head?.contact?.name ?? '',
    channel: head?.channel ?? 'web',
    inbox: head?.inbox ?? '',
    openedAt: head?.opened_at ?? 0,
    source: head?.source ?? {},
  };
  const since = head?.seq ?? 0;
  return thread.items.reduce((known, item) => (item.seq > since ? after(known, item) : known), start);
}

function after(known: Standing, item: Item): Standing {
  if (item.is === 'message') return known;
  const { event } = item;
  switch (event.type) {
    case 'conversation.opened':
      return {
        ...known,
        contact: event.contact,
        contactName: event.contact_name || known.contactName,
        channel: event.channel,
        inbox: event.inbox,
        openedAt: event.at,
        source: event.source ?? {},
      };
    case 'conversation.assigned':
      return { ...known, status: 'open', agent: event.agent };
    case 'conversation.released':
    case 'queue.entered':
      return { ...known, status: 'queued', agent: '' };
    case 'conversation.snoozed':
      return { ...known, status: 'snoozed' };
    case 'conversation.resolved':
      return { ...known, status: 'resolved' };
    case 'conversation.reopened':
      return { ...known, status: event.agent ? 'open' : 'queued', agent: event.agent ?? '' };
    case 'conversation.closed':
      return { ...known, status: 'closed' };
    default:
      return known;
  }
}
