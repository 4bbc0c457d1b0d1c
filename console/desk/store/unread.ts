/** Unread messages of this agent, for rows and for the window's title; derived from the slices. */
import type { Desk } from './desk.ts';
import { standing } from './standing.ts';
import { heard, unread, type Unread } from './views.ts';

const NOTHING: Unread = { isUnread: false, count: 0 };

export function unreadOf(desk: Desk, conv: string): Unread {
  const head = desk.views.heads[conv];
  if (head === undefined) return NOTHING;
  const { items } = desk.threads.of(conv)();
  const seqs = desk.threads.synced[conv] === true
    ? items.flatMap((item) => (item.is === 'message' && item.by.kind !== 'agent' && !item.note ? [item.seq] : []))
    : null;
  return unread(heard(head, items), desk.me.id, desk.threads.readUpTo[conv] ?? 0, seqs);
}

/** Number of own open conversations with something unread, of those that the loaded views hold. */
export function unreadMine(desk: Desk): number {
  const { mine, all } = desk.views.rows;
  const isWaiting = (conv: string): boolean => {
    const { agent, status } = standing(desk.views.heads[conv], desk.threads.of(conv)());
    return agent === desk.me.id && status === 'open' && unreadOf(desk, conv).isUnread;
  };
  return [...new Set([...mine.ids, ...all.ids])].filter(isWaiting).length;
}
