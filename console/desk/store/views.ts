/** Slice: conversations of each view in order, their heads, and how many each view has. */
import { createStore, reconcile } from 'solid-js/store';
import type { Counts, Head, Heads } from '../../client/index.ts';
import type { Item, Message } from '../../ui/thread.ts';
import { VIEWS, type View } from './address.ts';

export interface ViewRows {
  readonly ids: readonly string[];
  readonly more: boolean;
  /** False until the first snapshot of this connection. */
  readonly isLoaded: boolean;
}

/** A new object for each view: a Solid store merges in place, and one for all made the queue show the rows of *mine*. */
export const noRows = (): ViewRows => ({ ids: [], more: false, isLoaded: false });

/** Sort order of a view: the queue by waiting time, the longest first, else by activity, the last first; ties by id. Pure. */
export function compare(view: View): (a: Head, b: Head) => number {
  const byId = (a: Head, b: Head): number => (a.conv < b.conv ? -1 : 1);
  if (view === 'queue') {
    const since = (head: Head): number => head.queue?.at ?? head.opened_at ?? 0;
    return (a, b) => since(a) - since(b) || byId(a, b);
  }
  const active = (head: Head): number => head.last?.at ?? head.opened_at ?? 0;
  return (a, b) => active(b) - active(a) || byId(a, b);
}

/** Rows of a view after a snapshot (`reset`) or a delta; `headOf` already knows the frame's rows. Pure. */
export function applyHeads(
  view: View,
  rows: ViewRows,
  frame: Heads,
  headOf: (conv: string) => Head | undefined,
): ViewRows {
  const gone = new Set(frame.gone ?? []);
  const kept = frame.reset === true ? [] : rows.ids.filter((id) => !gone.has(id));
  const ids = [...new Set([...kept, ...frame.rows.map((row) => row.conv)])];
  const known = ids.flatMap((id) => headOf(id) ?? []);
  return { ids: known.sort(compare(view)).map((head) => head.conv), more: frame.more ?? rows.more, isLoaded: true };
}

/** A head brought up to date with messages that came since: heads are sent once a second at most, messages at once. Pure. */
export function heard(head: Head, items: readonly Item[]): Head {
  const newer = items.filter((item): item is Message => item.is === 'message' && item.seq > (head.last?.seq ?? 0));
  const last = newer.at(-1);
  if (last === undefined) return head;
  const spoken = newer.findLast((item) => !item.note);
  const waitingSince = spoken === undefined ? (head.waiting_since ?? 0) : spoken.by.kind === 'agent' ? 0 : head.waiting_since || spoken.at;
  const { seq, id, at, by, kind, text, note, recalled } = last;
  return { ...head, last: { seq, id, at, by, kind, text: recalled ? '' : text, note, recalled }, waiting_since: waitingSince };
}

/** Unread messages of a row: `count` 0 with `isUnread` when only the fact is known. */
export interface Unread {
  readonly isUnread: boolean;
  readonly count: number;
}

const READ: Unread = { isUnread: false, count: 0 };

/** Unread by the read mark of `me`; `visitorSeqs`: sequences of the visitor's messages, null where they aren't loaded. Pure. */
export function unread(head: Head, me: string, readUpTo: number, visitorSeqs: readonly number[] | null): Unread {
  const read = Math.max(readUpTo, head.read?.[me] ?? 0);
  const { last } = head;
  if (!last || last.note === true || last.seq <= read || last.by.kind === 'agent') return READ;
  if (visitorSeqs !== null) return { isUnread: true, count: visitorSeqs.filter((seq) => seq > read).length };
  const isUntouched = Object.keys(head.read ?? {}).every((reader) => reader === 'visitor') && read === 0 && !head.agent;
  return { isUnread: true, count: isUntouched ? (head.n ?? 0) : 0 };
}

export interface ViewsSlice {
  readonly heads: Readonly<Record<string, Head>>;
  readonly rows: Readonly<Record<View, ViewRows>>;
  readonly counts: Required<Counts>;
  applied(frame: Heads): void;
  /** Subscribes to a view instead of the one before. */
  watch(view: View): void;
  /** Subscribes again, after a reconnect. */
  rewatch(): void;
}

/** `subscribe` asks the node for snapshots and deltas of a view. */
export function createViews(subscribe: (view: View) => void): ViewsSlice {
  const [heads, setHeads] = createStore<Record<string, Head>>({});
  const [rows, setRows] = createStore<Record<View, ViewRows>>({ mine: noRows(), queue: noRows(), all: noRows() });
  const [counts, setCounts] = createStore<Required<Counts>>({ mine: 0, queue: 0, all: 0 });
  let watched: View = 'mine';
  return {
    heads,
    rows,
    counts,
    applied(frame) {
      const view = VIEWS.find((one) => one === frame.view);
      if (view === undefined) return;
      for (const row of frame.rows) setHeads(row.conv, reconcile(row));
      setRows(view, applyHeads(view, rows[view], frame, (conv) => heads[conv]));
      setCounts({ mine: 0, queue: 0, all: 0, ...frame.counts });
    },
    watch(view) {
      if (view === watched && rows[view].isLoaded) return;
      watched = view;
      subscribe(view);
    },
    rewatch: () => subscribe(watched),
  };
}
