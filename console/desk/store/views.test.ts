import { createEffect, createRoot } from 'solid-js';
import { expect, test } from 'vitest';
import type { Event, Head, Heads, Stored } from '../../client/index.ts';
import { append, EMPTY } from '../../ui/thread.ts';
import type { View } from './address.ts';
import { applyHeads, createViews, heard, noRows, unread } from './views.ts';

const head = (conv: string, more: Partial<Head> = {}): Head => ({ conv, tenant: 'main', channel: 'web', ...more });
const visitor = { kind: 'visitor', id: 'c1' } as const;
const agent = { kind: 'agent', id: 'a1' } as const;

function seen(view: 'mine' | 'queue', ...frames: Partial<Heads>[]): readonly string[] {
  const known: Record<string, Head> = {};
  let rows = noRows();
  for (const frame of frames) {
    for (const row of frame.rows ?? []) known[row.conv] = row;
    rows = applyHeads(view, rows, { t: 'heads', view, rev: 1, counts: {}, rows: [], ...frame }, (conv) => known[conv]);
  }
  return rows.ids;
}

test('the queue: longest waiting first; mine: last active first; deltas keep the order', () => {
  const a = head('a', { queue: { at: 5 }, last: { seq: 1, at: 9, by: visitor } });
  const b = head('b', { queue: { at: 3 }, last: { seq: 2, at: 4, by: visitor } });
  expect(seen('queue', { reset: true, rows: [a, b] })).toEqual(['b', 'a']);
  expect(seen('mine', { reset: true, rows: [b, a] })).toEqual(['a', 'b']);
  expect(seen('mine', { reset: true, rows: [a, b] }, { rows: [head('b', { last: { seq: 3, at: 20, by: visitor } })] })).toEqual(['b', 'a']);
  expect(seen('mine', { reset: true, rows: [a, b] }, { gone: ['a'] })).toEqual(['b']);
  expect(seen('mine', { reset: true, rows: [a, b] }, { reset: true, rows: [a] })).toEqual(['a']);
});

test('unread counts what the visitor wrote after the mark, and says so when it can only know that', () => {
  const row = head('a', { agent: 'a1', n: 4, read: { a1: 5 }, last: { seq: 9, at: 1, by: visitor } });
  expect(unread(row, 'a1', 0, [3, 7, 9])).toEqual({ isUnread: true, count: 2 });
  expect(unread(row, 'a1', 9, [3, 7, 9])).toEqual({ isUnread: false, count: 0 });
  expect(unread(row, 'a1', 0, null)).toEqual({ isUnread: true, count: 0 });
  expect(unread({ ...row, agent: '', read: {} }, 'a1', 0, null)).toEqual({ isUnread: true, count: 4 });
  expect(unread({ ...row, last: { seq: 9, at: 1, by: agent } }, 'a1', 0, null).isUnread).toBe(false);
});

test('a row shows what was heard since its head was written', () => {
  const said = (seq: number, by: object, more: object = {}): Stored => [seq, seq - 1, { tenant: 'main', channel: 'web', conv: 'x', id: `m${seq}`, at: seq * 10, type: 'message.added', by, text: `t${seq}`, ...more } as Event];
  const row = head('x', { last: { seq: 2, at: 20, by: visitor, text: 't2' }, waiting_since: 20 });
  expect(heard(row, append(EMPTY, [said(2, visitor)]).items)).toBe(row);
  expect(heard(row, append(EMPTY, [said(3, visitor)]).items)).toMatchObject({ last: { text: 't3' }, waiting_since: 20 });
  expect(heard(row, append(EMPTY, [said(3, agent)]).items)).toMatchObject({ last: { text: 't3' }, waiting_since: 0 });
  expect(heard(row, append(EMPTY, [said(3, agent, { note: true })]).items)).toMatchObject({ last: { note: true }, waiting_since: 20 });
});

const frame = (view: View, conv: string, more: Partial<Heads> = {}): Heads => ({ t: 'heads', view, rev: 1, counts: { [view]: 1 }, rows: [head(conv)], ...more });

test('a view has its own rows: what comes for one shows in no other', () => {
  const views = createViews(() => undefined);
  views.applied(frame('mine', 'a', { reset: true }));
  expect(views.rows).toMatchObject({ mine: { ids: ['a'], isLoaded: true }, queue: { ids: [], isLoaded: false }, all: { ids: [], isLoaded: false } });
  views.applied(frame('queue', 'b', { reset: true }));
  expect([views.rows.mine.ids, views.rows.queue.ids]).toEqual([['a'], ['b']]);
  expect(views.counts).toEqual({ mine: 0, queue: 1, all: 0 });
  views.applied(frame('later' as View, 'c'));
  expect(views.heads['c']).toBeUndefined();
});

test('whoever reads rows is told of theirs alone', () => {
  const views = createViews(() => undefined);
  const drawn: string[][] = [];
  const stop = createRoot((dispose) => {
    createEffect(() => drawn.push([...views.rows.queue.ids]));
    return dispose;
  });
  views.applied(frame('mine', 'a'));
  views.applied(frame('queue', 'b'));
  stop();
  expect(drawn).toEqual([[], ['b']]);
});

test('a view that is loaded is not subscribed to again, but after a reconnect it is', () => {
  const asked: View[] = [];
  const views = createViews((view) => asked.push(view));
  views.watch('queue');
  views.watch('queue');
  views.applied(frame('queue', 'a', { reset: true }));
  views.watch('queue');
  views.rewatch();
  views.watch('all');
  expect(asked).toEqual(['queue', 'queue', 'queue', 'all']);
});
