/** The rows of a view and their order. Pure: `heads` frames in, sorted ids out. */
import type { Head, Heads } from '../../client/index.ts';
import type { Item, Message } from '../../ui/thread.ts';
import type { View } from './route.ts';

export interface ViewRows {
  readonly ids: readonly string[];
  readonly more: boolean;
  /** False until the first snapshot of this connection. */
  readonly isLoaded: boolean;
}

export const NO_ROWS: ViewRows = { ids: [], more: false, isLoaded: false };

/** Queue: who has waited longest comes first. Else: who was active last comes first. Ties by id, so that order holds. */
export function compare(view: View): (a: Head, b: Head) => number {
  const byId = (a: Head, b: Head): number => (a.conv < b.conv ? -1 : 1);
  if (view === 'queue') {
    const since = (head: Head): number => head.queue?.at ?? head.opened_at ?? 0;
    return (a, b) => since(a) - since(b) || byId(a, b);
  }
  const active = (head: Head): number => head.last?.at ?? head.opened_at ?? 0;
  return (a, b) => active(b) - active(a) || byId(a, b);
}

/** The view after a frame; `heads` already holds the frame's rows. */
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

/** A row's head with what has been heard since: the head comes once a second at most, messages at once. */
export function heard(head: Head, items: readonly Item[]): Head {
  const newer = items.filter((item): item is Message => item.is === 'message' && item.seq > (head.last?.seq ?? 0));
  const last = newer.at(-1);
  if (last === undefined) return head;
  const spoken = newer.findLast((item) => !item.note);
  const waitingSince = spoken === undefined ? (head.waiting_since ?? 0) : spoken.by.kind === 'agent' ? 0 : head.waiting_since || spoken.at;
  const { seq, at, by, kind, text, note } = last;
  return { ...head, last: { seq, at, by, kind, text, note }, waiting_since: waitingSince };
}

/** Unread messages of a row: `count` 0 with `isUnread` when only the fact is known. */
export interface Unread {
  readonly isUnread: boolean;
  readonly count: number;
}

const READ: Unread = { isUnread: false, count: 0 };

/** By what `me` has read up to; `visitorSeqs` are the sequences of the visitor's messages, where they are known. */
export function unread(head: Head, me: string, readUpTo: number, visitorSeqs: readonly number[] | null): Unread {
  const read = Math.max(readUpTo, head.read?.[me] ?? 0);
  const { last } = head;
  if (!last || last.note === true || last.seq <= read || last.by.kind === 'agent') return READ;
  if (visitorSeqs !== null) return { isUnread: true, count: visitorSeqs.filter((seq) => seq > read).length };
  const isUntouched = Object.keys(head.read ?? {}).every((reader) => reader === 'visitor') && read === 0 && !head.agent;
  return { isUnread: true, count: isUntouched ? (head.n ?? 0) : 0 };
}
