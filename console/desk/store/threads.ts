/** Slice: the loaded events of each conversation, which ones are followed, and how far this person has read. */
import { createSignal, type Accessor, type Signal } from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import type { Client, Stored } from '../../client/index.ts';
import { append, EMPTY, prepend, type Thread } from '../../ui/thread.ts';

/** LRU limit of conversations followed at once: the open one, and those opened or pointed at last. */
export const FOLLOWED_MAX = 60;

export interface Followed {
  /** Least recently used first. */
  readonly recent: readonly string[];
  readonly isNew: boolean;
  /** Evicted for it: never the one that is shown. */
  readonly evicted: string | undefined;
}

/** The LRU order after `conv` was used. Pure. */
export function used(recent: readonly string[], conv: string, shown: string, most = FOLLOWED_MAX): Followed {
  const rest = recent.filter((one) => one !== conv);
  const isNew = rest.length === recent.length;
  const evicted = isNew && rest.length >= most ? rest.find((one) => one !== shown) : undefined;
  return { recent: [...rest.filter((one) => one !== evicted), conv], isNew, evicted };
}

export interface ThreadsSlice {
  of(conv: string): Accessor<Thread>;
  /** Conversations whose newest events are all here. */
  readonly synced: Readonly<Record<string, boolean>>;
  /** How far this person has read here, before the log says so. */
  readonly readUpTo: Readonly<Record<string, number>>;
  /** Follows a conversation from now on; the one used longest ago is evicted. */
  open(conv: string): void;
  /** Asks for the events before the oldest loaded one; once at a time. */
  older(conv: string): void;
  read(conv: string, seq: number): void;
  arrived(conv: string, events: readonly Stored[], how: { readonly synced: boolean; readonly forget: boolean }): void;
  arrivedOlder(conv: string, events: readonly Stored[], more: boolean): void;
  /** The socket closed: nothing is known to be complete, and no answer will come. */
  disconnected(): void;
}

type Wire = Pick<Client, 'follow' | 'unfollow' | 'history' | 'say'>;

/** `shown`: id of the conversation on the screen, empty for none. */
export function createThreads(wire: Wire, shown: () => string): ThreadsSlice {
  const threads = new Map<string, Signal<Thread>>();
  const asked = new Set<string>();
  const [synced, setSynced] = createStore<Record<string, boolean>>({});
  const [readUpTo, setReadUpTo] = createStore<Record<string, number>>({});
  let recent: readonly string[] = [];
  const at = (conv: string): Signal<Thread> => {
    const there = threads.get(conv) ?? createSignal<Thread>(EMPTY);
    threads.set(conv, there);
    return there;
  };
  return {
    of: (conv) => at(conv)[0],
    synced,
    readUpTo,
    open(conv) {
      const now = used(recent, conv, shown());
      recent = now.recent;
      if (now.isNew) wire.follow(conv);
      if (now.evicted === undefined) return;
      wire.unfollow(now.evicted);
      setSynced(now.evicted, false);
    },
    older(conv) {
      const thread = at(conv)[0]();
      const first = thread.items[0];
      if (thread.complete || first === undefined || asked.has(conv)) return;
      if (wire.history(conv, first.seq)) asked.add(conv);
    },
    read(conv, seq) {
      if ((readUpTo[conv] ?? 0) >= seq) return;
      if (wire.say({ t: 'mark', conv, read: seq, delivered: seq })) setReadUpTo(conv, seq);
    },
    arrived(conv, events, how) {
      if (how.forget || events.length > 0) at(conv)[1]((thread) => append(how.forget ? EMPTY : thread, events));
      if (synced[conv] !== how.synced) setSynced(conv, how.synced);
    },
    arrivedOlder(conv, events, more) {
      asked.delete(conv);
      at(conv)[1]((thread) => prepend(thread, events, more));
    },
    disconnected() {
      setSynced(reconcile({}));
      asked.clear();
    },
  };
}
