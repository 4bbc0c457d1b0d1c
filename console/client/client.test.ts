import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inMemory, type Cache } from './cache.ts';
import { createClient, type Client, type Listener } from './client.ts';
import type { Link } from './link.ts';
import { BLANK, type Entry } from './outbox.ts';
import { openTabs } from './tabs.ts';
import type { ClientFrame, NodeFrame, Send, Stored } from './types.ts';

/** The browser's end of a connection; the test is the node's end. */
class Wire {
  static readonly OPEN = 1;
  static all: Wire[] = [];
  readyState = 0;
  readonly sent: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Wire.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.readyState = 3;
  }

  /** The node accepts; `hello` must come next, then it welcomes. */
  accept(time = Date.now()): void {
    this.readyState = Wire.OPEN;
    this.onopen?.();
    expect(this.sent.at(-1)?.t).toBe('hello');
    this.say({ t: 'welcome', session: 's', me: { kind: 'visitor', id: 'c1' }, time, heartbeat_s: 20, limits: {} });
  }

  /** A frame from the node: as loose as JSON is. */
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame satisfies object as NodeFrame) });
  }

  lose(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: '' });
  }

  of<T extends ClientFrame['t']>(t: T): Extract<ClientFrame, { t: T }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { t: T }> => frame.t === t);
  }
}

const message = (seq: number, id: string): Stored => [
  seq, seq - 1, { type: 'message.added', id, tenant: 'main', channel: 'web', conv: 'a', at: seq, by: { kind: 'visitor', id: 'c1' }, text: id } as Stored[2],
];

interface Heard {
  links: Link[];
  events: { conv: string; ids: string[]; forget: boolean; synced: boolean }[];
  entries: readonly Entry[];
  notices: string[];
  opened: string[];
}

let client: Client | undefined;

function begin(cache: Cache = inMemory()): { client: Client; heard: Heard } {
  const heard: Heard = { links: [], events: [], entries: [], notices: [], opened: [] };
  const listener: Listener = {
    link: (link) => heard.links.push(link),
    welcome: () => undefined,
    events: (conv, events, how) => heard.events.push({ conv, ids: events.map(([, , event]) => event.id), ...how }),
    history: () => undefined,
    heads: () => undefined,
    signal: () => undefined,
    opened: (frame) => heard.opened.push(frame.conv),
    outbox: (entries) => (heard.entries = entries),
    notice: (frame) => heard.notices.push(frame.code),
    refused: () => undefined,
  };
  client = createClient({ url: 'ws://node/ws', cache, tabs: openTabs('test'), listener, hello: () => ({ t: 'hello', token: 'v1', client: 'test', version: 1 }) });
  return { client, heard };
}

/** Lets promises of the cache settle and the timers within `ms` fire. */
const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const wire = (): Wire => Wire.all.at(-1)!;

async function live(cache?: Cache): Promise<{ client: Client; heard: Heard }> {
  const begun = begin(cache);
  void begun.client.start();
  await pass(50);
  wire().accept();
  return begun;
}

beforeEach(() => {
  vi.useFakeTimers();
  Wire.all = [];
  vi.stubGlobal('WebSocket', Wire);
  vi.stubGlobal('navigator', {}); // a browser without locks: this tab is alone
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }));
  const page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  client?.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('hello is the first frame, and welcome makes it live', async () => {
  const { heard } = await live();
  expect(wire().url).toBe('ws://node/ws');
  expect(wire().protocol).toBe('trunkline.v1');
  expect(wire().sent[0]).toMatchObject({ t: 'hello', token: 'v1' });
  expect(heard.links.map((link) => link.name)).toEqual(['connecting', 'live']);
});

test('ids are of the node\u2019s time, whatever this device\u2019s clock says', async () => {
  const madeAt = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  const { client: one } = await live();
  expect(Math.abs(madeAt(one.send({ conv: null, text: 'a' })) - Date.now())).toBeLessThan(1000);
  wire().lose();
  await pass(60_000);
  const nodeTime = Date.now() - 3_600_000;
  wire().accept(nodeTime);
  expect(Math.abs(madeAt(one.send({ conv: null, text: 'b' })) - nodeTime)).toBeLessThan(1000);
});

test('a message goes out with its id, and ok makes it stored and its conversation followed', async () => {
  const { client: one, heard } = await live();
  const id = one.send({ conv: null, text: '你好' });
  await pass();
  expect(wire().of('send')).toMatchObject([{ id, conv: null, text: '你好' }]);
  wire().say({ t: 'ok', id, seq: 5, conv: 'a', at: 1 });
  await pass();
  expect(heard.entries).toMatchObject([{ id, state: 'stored', conv: 'a', seq: 5 }]);
  expect(wire().of('sub')).toMatchObject([{ conv: 'a', after: null }]);
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [message(5, id)], upto: 5, more: false });
  expect(heard.entries).toEqual([]);
});

test('after a loss the replay is seen first; what it lacks goes out again with the same id, the rest does not', async () => {
  const { client: one, heard } = await live();
  one.follow('a');
  await pass();
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [message(3, 'old')], upto: 3, more: false });
  const arrived = one.send({ conv: 'a', text: 'arrived' });
  const lost = one.send({ conv: 'a', text: 'lost' });
  await pass();
  expect(wire().of('send').map((frame) => frame.id)).toEqual([arrived]); // one at a time
  wire().lose();
  await pass(600);
  const second = wire();
  expect(Wire.all).toHaveLength(2);
  second.accept();
  await pass();
  expect(second.of('sub')).toMatchObject([{ conv: 'a', after: [1, 3] }]);
  expect(second.of('send')).toEqual([]); // not before the replay
  second.say({ t: 'evs', conv: 'a', epoch: 1, events: [message(4, arrived)], upto: 4, more: false });
  await pass();
  expect(second.of('send').map((frame) => frame.id)).toEqual([lost]);
  second.lose();
  await pass(1_100);
  wire().accept();
  await pass();
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [], upto: 4, more: false });
  await pass();
  expect(wire().of('send').map((frame) => frame.id)).toEqual([lost]); // the same id again
  wire().say({ t: 'ok', id: lost, seq: 5, conv: 'a', at: 1 });
  wire().say({ t: 'ev', conv: 'a', seq: 5, prev: 4, event: message(5, lost)[2] });
  expect(heard.entries).toEqual([]);
  expect(heard.events.flatMap((each) => each.ids)).toEqual(['old', arrived, lost]);
});

test('an answer that never comes is taken for a loss', async () => {
  const { client: one } = await live();
  const id = one.send({ conv: null, text: 'x' });
  await pass();
  expect(wire().of('send')).toHaveLength(1);
  await pass(10_000 + 600);
  expect(Wire.all).toHaveLength(2);
  wire().accept();
  await pass();
  expect(wire().of('send').map((frame) => frame.id)).toEqual([id]);
});

test('resync empties the conversation and asks for its newest events', async () => {
  const cache = inMemory();
  await cache.put('events', 'a', { conv: 'a', mark: [1, 9], events: [message(9, 'stale')], usedAt: 0 });
  const { client: one, heard } = await live(cache);
  one.follow('a');
  await pass();
  expect(wire().of('sub')).toMatchObject([{ conv: 'a', after: [1, 9] }]);
  expect(heard.events).toEqual([{ conv: 'a', ids: ['stale'], forget: true, synced: false }]);
  wire().say({ t: 'resync', conv: 'a', epoch: 2 });
  expect(wire().of('sub')[1]).toMatchObject({ conv: 'a', after: null });
  wire().say({ t: 'evs', conv: 'a', epoch: 2, events: [message(1, 'fresh')], upto: 1, more: false });
  expect(heard.events.slice(1)).toEqual([
    { conv: 'a', ids: [], forget: true, synced: false },
    { conv: 'a', ids: ['fresh'], forget: false, synced: true },
  ]);
});

test('a gap is asked for from the watermark, and what came early is kept', async () => {
  const { client: one, heard } = await live();
  one.follow('a');
  await pass();
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [message(1, 'm1')], upto: 1, more: false });
  wire().say({ t: 'ev', conv: 'a', seq: 3, prev: 2, event: message(3, 'm3')[2] });
  expect(wire().of('sub').at(-1)).toMatchObject({ conv: 'a', after: [1, 1] });
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [message(2, 'm2')], upto: 2, more: false });
  expect(heard.events.flatMap((each) => each.ids)).toEqual(['m1', 'm2', 'm3']);
});

test('a sub that came too soon is asked again after the time told, and fails nothing that is unsent', async () => {
  const { client: one, heard } = await live();
  one.follow('a');
  await pass();
  one.send({ conv: 'a', text: 'waits' });
  wire().say({ t: 'err', conv: 'a', code: 'limit.rate', message: '', retry_after_ms: 300 });
  await pass(290);
  expect(wire().of('sub')).toHaveLength(1);
  await pass(20);
  expect(wire().of('sub')).toHaveLength(2);
  expect(heard.entries.map((entry) => entry.state)).toEqual(['sending']);
});

test('after drain it is served until it moves within the given time, and sends again what had no answer', async () => {
  const { client: one, heard } = await live();
  wire().say({ t: 'drain', in_ms: 2_000 });
  const id = one.send({ conv: null, text: 'meanwhile' });
  await pass();
  expect(Wire.all).toHaveLength(1);
  expect(wire().of('send').map((frame) => frame.id)).toEqual([id]);
  await pass(2_000);
  expect(Wire.all).toHaveLength(2);
  expect(heard.links.at(-1)).toMatchObject({ name: 'connecting', tries: 0 });
  wire().accept();
  await pass();
  expect(wire().of('send').map((frame) => frame.id)).toEqual([id]);
});

test('an answer that nobody waits for any more shows nothing again, whatever its epoch', async () => {
  const { client: one, heard } = await live();
  one.follow('a');
  await pass();
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [message(1, 'm1')], upto: 1, more: false });
  wire().say({ t: 'evs', conv: 'a', epoch: 2, events: [message(1, 'm1')], upto: 1, more: false });
  expect(heard.events.flatMap((each) => each.ids)).toEqual(['m1']);
});

test('4401 asks to sign in and keeps what is unsent for the next start', async () => {
  const cache = inMemory();
  const { client: one, heard } = await live(cache);
  wire().lose(4401);
  expect(heard.links.at(-1)).toMatchObject({ name: 'stopped', reason: 'signin' });
  const id = one.send({ conv: null, text: 'kept' });
  await pass(60_000);
  expect(Wire.all).toHaveLength(1);
  expect(await cache.all<Entry>('outbox')).toMatchObject([{ id, text: 'kept' }]);
  one.stop();
  const again = await live(cache);
  await pass();
  expect(wire().of('send')).toMatchObject([{ id, text: 'kept' } satisfies Partial<Send>]);
  expect(again.heard.entries.map((entry) => entry.id)).toEqual([id]); // once, though found twice
});

test('4409 means signed out elsewhere: no new try', async () => {
  const { heard } = await live();
  wire().lose(4409);
  await pass(60_000);
  expect(heard.links.at(-1)).toMatchObject({ name: 'stopped', reason: 'elsewhere' });
  expect(Wire.all).toHaveLength(1);
});

test('a question is answered, refused, or fails with the connection', async () => {
  const { client: one } = await live();
  const act = { t: 'act', conv: 'a', do: 'take', args: {}, expect: 1 } as const;
  const granted = one.ask(act);
  const denied = one.ask(act).catch((error: unknown) => error);
  const cut = one.ask(act).catch((error: unknown) => error);
  const [first, second] = wire().of('act');
  wire().say({ t: 'ok', id: first?.id, seq: 7 });
  wire().say({ t: 'err', id: second?.id, code: 'conversation.taken', message: 'taken' });
  expect(await granted).toMatchObject({ seq: 7 });
  expect(await denied).toMatchObject({ code: 'conversation.taken' });
  wire().lose();
  expect(await cut).toMatchObject({ code: 'offline' });
  expect(await one.ask(act).catch((error: unknown) => error)).toMatchObject({ code: 'offline' });
});

test('a silent node is pinged, and given up when it does not answer', async () => {
  await live();
  await pass(20_000);
  expect(wire().of('ping')).toHaveLength(1);
  await pass(8_000 + 600);
  expect(Wire.all).toHaveLength(2);
});

test('a frame that the node calls bad is reported, and the client comes back', async () => {
  const { heard } = await live();
  wire().lose(4400);
  expect(heard.notices).toEqual(['socket.4400']);
  await pass(600);
  expect(Wire.all).toHaveLength(2);
});

test('a node that has no log turns us away before welcome: nobody is told of a fault, and what is written waits', async () => {
  const { client: one, heard } = await live();
  wire().lose();
  const id = one.send({ conv: null, text: 'waits' });
  for (let closes = 0; closes < 4; closes += 1) {
    await pass(20_000);
    wire().lose(4500);
  }
  expect(heard.notices).toEqual([]);
  expect(heard.entries).toMatchObject([{ id, state: 'waiting' }]);
  await pass(20_000);
  wire().accept();
  await pass();
  expect(wire().of('send').map((frame) => frame.id)).toEqual([id]);
});

test.each([4400, 4413, 4500])('a message that a connection is closed over with %i ends no chat: it fails, and the next goes', async (code) => {
  const { client: one, heard } = await live();
  const bad = one.send({ conv: null, text: 'bad' });
  const good = one.send({ conv: null, text: 'good' });
  for (let closes = 0; closes < 3; closes += 1) {
    await pass(20_000);
    if (wire().readyState === 0) wire().accept();
    await pass();
    expect(wire().of('send').map((frame) => frame.id)).toEqual([bad]);
    wire().lose(code);
  }
  await pass(20_000);
  wire().accept();
  await pass();
  expect(wire().of('send').map((frame) => frame.id)).toEqual([good]);
  expect(heard.entries).toMatchObject([{ id: bad, state: 'failed', error: { code: `socket.${code}` } }, { id: good }]);
});

test('while the log is away messages wait in their order, over a reload too, and go by themselves', async () => {
  const cache = inMemory();
  const away = await live(cache);
  const first = away.client.send({ conv: null, text: '1' });
  await pass(1);
  const second = away.client.send({ conv: null, text: '2' });
  /** The next try goes out, of the first message alone, and is refused. */
  const refuse = async (): Promise<void> => {
    const before = wire().of('send').length;
    for (let waited = 0; wire().of('send').length === before && waited < 11_000; waited += 50) await pass(50);
    expect(wire().of('send').slice(before).map((frame) => frame.id)).toEqual([first]);
    wire().say({ t: 'err', of: 'send', id: first, code: 'log.unavailable', message: '' });
  };
  await pass();
  wire().say({ t: 'err', of: 'send', id: first, code: 'log.unavailable', message: '' });
  for (let tries = 1; tries < 12; tries += 1) await refuse();
  expect(away.heard.entries.map((entry) => entry.state)).toEqual(['waiting', 'waiting']);
  away.client.stop();
  const { heard } = await live(cache);
  for (let waited = 0; wire().of('send').length === 0 && waited < 11_000; waited += 50) await pass(50);
  wire().say({ t: 'ok', id: first, seq: 1, conv: 'a', at: 1 });
  await pass();
  // It was kept by an earlier page, so what the replay shows counts first.
  wire().say({ t: 'evs', conv: 'a', epoch: 1, events: [message(1, first)], upto: 1, more: false });
  await pass();
  expect([...new Set(wire().of('send').map((frame) => frame.id))]).toEqual([first, second]);
  wire().say({ t: 'ok', id: second, seq: 2, conv: 'a', at: 1 });
  expect(heard.entries.map((entry) => [entry.id, entry.state])).toEqual([[second, 'stored']]);
});

test('a mark or a signal that is refused says nothing of the messages of its conversation', async () => {
  const cache = inMemory();
  await cache.put('outbox', 'left', { ...BLANK, id: 'left', conv: 'a', text: 'left', at: 0, tab: 'gone' });
  const { heard } = await live(cache);
  await pass();
  wire().say({ t: 'err', of: 'mark', conv: 'a', code: 'access.forbidden', message: '' });
  wire().say({ t: 'err', of: 'signal', conv: 'a', code: 'limit.rate', message: '', retry_after_ms: 10 });
  await pass(400);
  expect(heard.entries.map((entry) => entry.state)).toEqual(['waiting']);
  expect(wire().of('sub')).toHaveLength(1);
  wire().say({ t: 'err', of: 'sub', conv: 'a', code: 'log.unavailable', message: '' });
  await pass(400);
  expect(heard.entries.map((entry) => entry.state)).toEqual(['waiting']);
  expect(wire().of('sub')).toHaveLength(2);
});

test('a node that freezes under a message is given up within 5 s, though the heartbeat is far', async () => {
  const { client: one } = await live();
  one.send({ conv: null, text: 'x' });
  await pass(1_500);
  expect(wire().of('ping')).toHaveLength(1);
  await pass(2_000 + 200);
  expect(Wire.all).toHaveLength(2);
  await pass(11_500); // nor does the next one answer: `welcome` has a limit, a longer one each time
  expect(Wire.all.length).toBeGreaterThan(2);
});

test('a node that only stores slowly answers the ping and is kept', async () => {
  const { client: one } = await live();
  one.send({ conv: null, text: 'x' });
  await pass(2_000);
  wire().say({ t: 'pong', n: 0 });
  await pass(6_000);
  expect(Wire.all).toHaveLength(1);
});

test('a conversation that another connection of the person opened is told', async () => {
  const { heard } = await live();
  wire().say({ t: 'opened', conv: 'b' });
  expect(heard.opened).toEqual(['b']);
});
