/** Slice: the socket's state, the node's limits and the outbox, as the protocol client reports them. */
import { createStore, reconcile } from 'solid-js/store';
import type { Entry, Limits, Link } from '../../client/index.ts';
import { isHeldUp } from '../../ui/unsent.ts';

export interface Connection {
  link: Link;
  /** Null until the first `welcome`. */
  limits: Limits | null;
  /** The outbox: messages that the log hasn't acknowledged. */
  entries: readonly Entry[];
}

/** Messages of the outbox that will go by themselves: neither failed nor acknowledged. */
export const unsent = ({ entries }: Pick<Connection, 'entries'>): number =>
  entries.filter(({ state }) => state === 'waiting' || state === 'sending').length;

/** Everything goes out at once: the socket is live and the node can store. */
export const isWell = ({ link, entries }: Pick<Connection, 'link' | 'entries'>): boolean => link.name === 'live' && !isHeldUp(entries);

export interface ConnectionSlice {
  readonly state: Readonly<Connection>;
  linked(link: Link): void;
  limited(limits: Limits): void;
  queued(entries: readonly Entry[]): void;
}

export function createConnection(): ConnectionSlice {
  const [state, set] = createStore<Connection>({ link: { name: 'idle', tries: 0 }, limits: null, entries: [] });
  return {
    state,
    linked: (link) => set('link', reconcile(link)),
    limited: (limits) => set('limits', limits),
    queued: (entries) => set('entries', reconcile([...entries], { key: 'id' })),
  };
}
