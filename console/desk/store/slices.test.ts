import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inMemory } from '../../client/cache.ts';
import type { Entry, Event, Stored } from '../../client/index.ts';
import type { Channel, Known } from '../channels/known.ts';
import { createChannels, inboxNameIn, isRemovedFrom, namesNewInbox } from './channels.ts';
import { nameIn, namesStranger, type Colleague } from './colleagues.ts';
import { createConnection, isWell, unsent } from './connection.ts';
import { createDrafts, isBlank } from './writing/drafts.ts';
import { createPresence, presenceOf } from './presence.ts';
import { createThreads, used } from './threads.ts';
import { createTypists, typistOf, TYPING_FOR_MS } from './typing.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIVE = { name: 'live', tries: 0 } as never;
const entry = (id: string, state: Entry['state'], error?: Entry['error']): Entry => ({ id, conv: 'x', state, error }) as unknown as Entry;

test('connection: what waits is counted, and a log that stores nothing is no connection that is well', () => {
  const connection = createConnection();
  expect([connection.state.link.name, connection.state.limits, isWell(connection.state)]).toEqual(['idle', null, false]);
  connection.linked(LIVE);
  connection.queued([entry('a', 'waiting'), entry('b', 'sending'), entry('c', 'failed')]);
  expect([unsent(connection.state), isWell(connection.state)]).toEqual([2, true]);
  connection.queued([entry('a', 'waiting', { code: 'log.busy', message: '' })]);
  expect([unsent(connection.state), isWell(connection.state)]).toEqual([1, false]);
});

test('two stores share nothing', () => {
  const [one, other] = [createConnection(), createConnection()];
  one.linked(LIVE);
  expect(other.state.link.name).toBe('idle');
});

test('presence: as welcome has it; a choice shows once the node has it, and not when it refuses', async () => {
  expect(presenceOf({ me: { state: '', capacity: 4 } as never })).toEqual({ state: 'offline', capacity: 4 });
  expect(presenceOf({ me: { state: 'sleeping' } as never })).toEqual({ state: 'offline', capacity: 0 });
  let isRefused = false;
  const presence = createPresence(async () => {
    if (isRefused) throw new Error('offline');
  });
  presence.welcomed({ me: { state: 'online', capacity: 2 } as never });
  await presence.choose('away');
  expect(presence.now).toEqual({ state: 'away', capacity: 2 });
  isRefused = true;
  await expect(presence.choose('busy')).rejects.toThrow('offline');
  expect(presence.now.state).toBe('away');
});

const ALL: readonly Colleague[] = [{ id: 'a2', name: 'Mei', role: 'agent', team: '', state: 'online', present: true, open: 0, capacity: 4 }];
const ME = { id: 'a1', name: 'Lin' };

test('colleagues: named by the list, oneself without it; an unknown assignee is a stranger, once known no more', () => {
  expect(['a1', 'a2', 'a3'].map((id) => nameIn(ALL, ME, id))).toEqual(['Lin', 'Mei', 'a3']);
  const assigned = (agent: string): Event => ({ type: 'conversation.assigned', agent }) as Event;
  expect(['a1', 'a2', 'a3'].map((agent) => namesStranger(ALL, ME, assigned(agent)))).toEqual([false, false, true]);
  expect(namesStranger(ALL, ME, { type: 'message.added' } as Event)).toBe(false);
});

test('typing: ends by itself, by a stop and by a message of the same author; a repeated signal moves the end on', () => {
  const typing = createTypists();
  const signal = (kind: string): void => typing.signalled({ conv: 'x', kind, by: 'c1', name: 'Mei', by_kind: 'visitor' } as never);
  signal('typing');
  expect(typing.of('x')).toMatchObject({ name: 'Mei', byKind: 'visitor' });
  vi.advanceTimersByTime(TYPING_FOR_MS / 2);
  signal('typing');
  vi.advanceTimersByTime(TYPING_FOR_MS / 2 + 100);
  expect(typing.of('x')).toBeDefined();
  vi.advanceTimersByTime(TYPING_FOR_MS / 2);
  expect(typing.of('x')).toBeUndefined();
  signal('typing');
  signal('viewing');
  typing.said('x', 'somebody');
  expect(typing.of('x')).toBeDefined();
  typing.said('x', 'c1');
  expect(typing.of('x')).toBeUndefined();
  signal('typing');
  signal('stopped');
  expect(typing.of('x')).toBeUndefined();
  expect(typistOf({ kind: 'viewing' } as never, 0)).toBeUndefined();
});

const KNOWN: Known = { channels: { email: { name: 'email' } as Channel }, inboxes: { shop: { id: 'shop', channel: 'email', name: 'Shop' } } };

test('channels: names, what is removed, what is new', () => {
  expect([inboxNameIn(KNOWN, 'shop'), inboxNameIn(KNOWN, 'old')]).toEqual(['Shop', 'old']);
  expect([isRemovedFrom(KNOWN, 'old'), isRemovedFrom(KNOWN, 'shop'), isRemovedFrom(KNOWN, '')]).toEqual([true, false, false]);
  expect(isRemovedFrom({ channels: {}, inboxes: {} }, 'shop')).toBe(false);
  expect([[{ inbox: 'new' }], [{ inbox: 'shop' }], [{}], [{ inbox: '' }]].map((rows) => namesNewInbox(KNOWN, rows))).toEqual([true, false, false, false]);
});

test('channels: fetched once, again for a new inbox at most every 10 s, and again at the next welcome if that failed', async () => {
  const answers = [null, KNOWN, null];
  let asked = 0;
  const channels = createChannels(async () => answers[asked++] as Known | null);
  channels.welcomed();
  await vi.advanceTimersByTimeAsync(0);
  expect([asked, channels.inboxName('shop')]).toEqual([1, 'shop']);
  channels.welcomed();
  await vi.advanceTimersByTimeAsync(0);
  channels.welcomed();
  expect([asked, channels.inboxName('shop'), channels.of('email')?.name]).toEqual([2, 'Shop', 'email']);
  channels.saw([{ inbox: 'new' }]);
  expect(asked).toBe(2);
  vi.advanceTimersByTime(10_001);
  channels.saw([{ inbox: 'shop' }]);
  expect(asked).toBe(2);
  channels.saw([{ inbox: 'new' }]);
  channels.saw([{ inbox: 'new' }]);
  expect(asked).toBe(3);
});

test('drafts: kept by kind, removed when blank, of one person alone', async () => {
  const [mine, theirs] = [inMemory(), inMemory()];
  const drafts = createDrafts(mine);
  drafts.keep('x', { reply: 'y'.repeat(100) });
  drafts.keep('x', { note: 'n' });
  expect(drafts.of('x')).toMatchObject({ reply: 'y'.repeat(100), note: 'n', answers: '' });
  expect(drafts.beginning('x')).toHaveLength(80);
  const again = createDrafts(mine);
  await again.load();
  expect(again.of('x').note).toBe('n');
  const other = createDrafts(theirs);
  await other.load();
  expect(isBlank(other.of('x'))).toBe(true);
  drafts.keep('x', { reply: '', note: '' });
  expect(await mine.all('drafts')).toEqual([]);
  again.forget();
  expect(isBlank(again.of('x'))).toBe(true);
});

test('threads: the least recently used is evicted, never the shown one', () => {
  expect(used(['a', 'b'], 'a', '', 2)).toEqual({ recent: ['b', 'a'], isNew: false, evicted: undefined });
  expect(used(['a', 'b'], 'c', '', 2)).toEqual({ recent: ['b', 'c'], isNew: true, evicted: 'a' });
  expect(used(['a', 'b'], 'c', 'a', 2)).toEqual({ recent: ['a', 'c'], isNew: true, evicted: 'b' });
  expect(used(['a'], 'c', 'a', 1)).toEqual({ recent: ['a', 'c'], isNew: true, evicted: undefined });
});

test('threads: older events are asked for once at a time, a mark is sent once, a closed socket forgets both', () => {
  const said: unknown[] = [];
  let isLive = true;
  const wire = {
    follow: (conv: string): void => void said.push(['follow', conv]),
    unfollow: (conv: string): void => void said.push(['unfollow', conv]),
    history: (conv: string, before: number): boolean => isLive && said.push(['history', conv, before]) > 0,
    say: (frame: { readonly t: string }): boolean => isLive && said.push(frame.t) > 0,
  };
  const threads = createThreads(wire, () => '');
  const stored = (seq: number): Stored => [seq, seq - 1, { tenant: 'main', channel: 'web', conv: 'x', id: `m${seq}`, at: seq, type: 'message.added', by: { kind: 'visitor', id: 'c1' }, text: 'hi' } as Event];
  threads.open('x');
  threads.open('x');
  threads.arrived('x', [stored(5)], { synced: true, forget: false });
  threads.older('x');
  threads.older('x');
  threads.read('x', 5);
  threads.read('x', 4);
  expect(said).toEqual([['follow', 'x'], ['history', 'x', 5], 'mark']);
  expect([threads.synced['x'], threads.readUpTo['x'], threads.of('x')().items.length]).toEqual([true, 5, 1]);
  threads.arrivedOlder('x', [stored(3), stored(4)], true);
  threads.older('x');
  threads.disconnected();
  threads.older('x');
  expect(said.slice(3)).toEqual([['history', 'x', 3], ['history', 'x', 3]]);
  expect(threads.synced['x']).toBeUndefined();
  isLive = false;
  threads.read('x', 9);
  expect(threads.readUpTo['x']).toBe(5);
  threads.arrived('x', [], { synced: false, forget: true });
  expect(threads.of('x')().items).toEqual([]);
});
