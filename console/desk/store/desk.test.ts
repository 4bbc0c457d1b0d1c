import { expect, test } from 'vitest';
import type { Event, Head, Heads, Stored } from '../../client/index.ts';
import { append, EMPTY } from '../../ui/thread.ts';
import { factText } from '../words/names.ts';
import { cutAround } from '../search/excerpt.ts';
import { standing } from './standing.ts';
import { applyHeads, heard, NO_ROWS, unread } from './views.ts';

const head = (conv: string, more: Partial<Head> = {}): Head => ({ conv, tenant: 'main', channel: 'web', ...more });
const visitor = { kind: 'visitor', id: 'c1' } as const;
const agent = { kind: 'agent', id: 'a1' } as const;

function seen(view: 'mine' | 'queue', ...frames: Partial<Heads>[]): readonly string[] {
  const known: Record<string, Head> = {};
  let rows = NO_ROWS;
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

test('how a conversation stands follows events newer than its head', () => {
  const event = (seq: number, body: object): Stored => [seq, seq - 1, { tenant: 'main', channel: 'web', conv: 'x', id: `e${seq}`, at: seq, by: agent, ...body } as Event];
  const thread = append(EMPTY, [
    event(1, { type: 'conversation.opened', inbox: 'web', contact: 'c1', contact_name: 'Mei', source: { page: 'https://a' } }),
    event(2, { type: 'conversation.assigned', agent: 'a1' }),
    event(3, { type: 'conversation.resolved' }),
  ]);
  expect(standing(undefined, thread)).toMatchObject({ status: 'resolved', agent: 'a1', contactName: 'Mei', source: { page: 'https://a' } });
  expect(standing(head('x', { seq: 3, status: 'open', agent: 'a2' }), thread)).toMatchObject({ status: 'open', agent: 'a2' });
  expect(standing(head('x', { seq: 2, status: 'open', agent: 'a1' }), thread).status).toBe('resolved');
});

test('an excerpt shows the words that were looked for, in any letter case and language', () => {
  expect(cutAround('Wrong Duvet size', 'duvet')).toEqual([
    { text: 'Wrong ', isHit: false },
    { text: 'Duvet', isHit: true },
    { text: ' size', isHit: false },
  ]);
  expect(cutAround('羽绒被尺寸发错了', '尺寸')[1]).toEqual({ text: '尺寸', isHit: true });
  const long = cutAround(`${'x'.repeat(500)} needle`, 'needle');
  expect(long.map((part) => part.text).join('').length).toBeLessThan(210);
  expect(long.some((part) => part.isHit)).toBe(true);
  expect(cutAround('nothing', '')).toEqual([{ text: 'nothing', isHit: false }]);
});

test('facts say rules and reasons in words, and fall back to what was written', () => {
  // Before a locale is loaded a text is its own key, so that a key says which text was chosen.
  const say = (body: object): string => factText({ tenant: 'main', channel: 'web', conv: 'x', id: 'e', at: 1, ...body } as Event, (id) => id);
  const routing = { kind: 'system', id: 'routing' };
  const assigned = (by: object, rule?: string): string => say({ type: 'conversation.assigned', agent: 'a1', by, ...(rule ? { reason: { rule } } : {}) });
  expect(assigned(agent, 'take')).toBe('fact.taken');
  expect(assigned({ kind: 'agent', id: 'a2' }, 'assign')).toBe('fact.assigned_by');
  expect(assigned(routing, 'fewest_open')).toBe('fact.assigned_fewest_open');
  expect(assigned(routing, 'R-12')).toBe('fact.assigned_rule');
  expect(assigned(routing)).toBe('fact.assigned');
  expect(say({ type: 'conversation.released', agent: 'a1', by: routing, why: 'agent_gone' })).toBe('fact.released_gone');
  expect(say({ type: 'conversation.released', agent: 'a1', by: agent })).toBe('fact.released');
  expect(say({ type: 'conversation.reopened', by: routing, reason: 'visitor' })).toBe('fact.reopened_visitor');
  expect(say({ type: 'conversation.resolved', by: agent, reason: 'sent a new one' })).toBe('fact.because');
  expect(say({ type: 'conversation.resolved', by: agent })).toBe('fact.resolved_by');
  expect(say({ type: 'moon.landed', by: routing })).toBe('fact.other');
});
