import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry, Event, Stored } from '../client/index.ts';
import { BLANK } from '../client/outbox.ts';
import { layout, type Line } from './layout.ts';
import { reuse } from './reuse.ts';
import { append, deliveryOf, EMPTY, prepend, refusedChange, withUnsent, type Message, type Thread } from './thread.ts';

const visitor = { kind: 'visitor', id: 'c1', name: '林晓雨' } as const;
const agent = { kind: 'agent', id: 'a1', name: '周子涵' } as const;
const base = { tenant: 'main', channel: 'web', conv: 'x' } as const;
const minute = 60_000;

const said = (seq: number, by: Event['by'], more: object = {}): Stored => [
  seq, seq - 1, { ...base, type: 'message.added', id: `m${seq}`, at: seq * minute, by, text: `t${seq}`, ...more } as Event,
];
const other = (seq: number, body: object): Stored => [seq, seq - 1, { ...base, id: `e${seq}`, at: seq * minute, by: agent, ...body } as Event];
const messages = (thread: Thread): Message[] => thread.items.flatMap((item) => (item.is === 'message' ? [item] : []));

test('messages, edits, recalls and marks', () => {
  const thread = append(EMPTY, [
    other(1, { type: 'conversation.opened', inbox: 'web', contact: 'c1' }),
    said(2, visitor),
    said(3, agent),
    other(4, { type: 'message.edited', target: 'm3', text: 'better' }),
    other(5, { type: 'message.recalled', target: 'm2' }),
    other(6, { type: 'read.marked', reader: 'visitor', read: 3, delivered: 3 }),
  ]);
  expect(thread.complete).toBe(true);
  expect(thread.items.map((item) => item.is)).toEqual(['fact', 'message', 'message']);
  expect(messages(thread)[0]?.recalled).toBe(true);
  expect(messages(thread)[1]).toMatchObject({ text: 'better', edited: true });
  expect(deliveryOf(messages(thread)[1]!, thread.marks, (reader) => reader === 'visitor')).toBe('read');
});

test('who withdrew a message is known, and what was entered beside words stays until an edit brings other data', () => {
  const place = { latitude: 1, longitude: 2 };
  const events = [
    said(2, visitor, { data: place }),
    other(3, { type: 'message.edited', target: 'm2', text: 'better' }),
    said(4, visitor, { data: { scene: 'till' } }),
    other(5, { type: 'message.edited', target: 'm4', text: 't4', data: { scene: 'door' } }),
    other(6, { type: 'message.recalled', target: 'm4', by: visitor }),
  ];
  expect(messages(append(EMPTY, events))).toMatchObject([
    { data: place, recalledBy: null, edited: true },
    { data: { scene: 'door' }, recalledBy: visitor, edited: false },
  ]);
});

test('a change that its platform refused is told at the message until another one follows', () => {
  const refusal = (seq: number, target: string): Stored =>
    other(seq, { type: 'delivery.updated', target, state: 'failed', error: { code: 'channel.not_changed', text: 'too old', final: true } });
  let thread = append(EMPTY, [said(2, agent), other(3, { type: 'message.edited', target: 'm2', text: 'better' })]);
  expect(refusedChange(messages(thread)[0]!)).toBeUndefined();
  thread = append(thread, [refusal(4, 'e3')]);
  expect(refusedChange(messages(thread)[0]!)).toEqual({ id: 'e3', is: 'edit', refused: 'too old' });
  expect(messages(thread)[0]?.deliveries).toEqual([]);
  thread = append(thread, [other(5, { type: 'message.recalled', target: 'm2' })]);
  expect(refusedChange(messages(thread)[0]!)).toBeUndefined();
  expect(refusedChange(messages(append(thread, [refusal(6, 'e5')]))[0]!)).toMatchObject({ is: 'recall' });
});

test('what was changed and withdrawn after the first loaded event counts for messages that are loaded later', () => {
  const all = [
    said(2, agent),
    said(3, visitor),
    said(4, agent),
    other(5, { type: 'message.edited', target: 'm2', text: 'better' }),
    other(6, { type: 'message.recalled', target: 'm3', by: visitor }),
    other(7, { type: 'delivery.updated', target: 'e5', state: 'failed', error: { code: 'channel.not_changed', text: 'too old' } }),
  ];
  for (let cut = 1; cut < all.length; cut += 1) {
    const late = append(EMPTY, all.slice(cut));
    for (let middle = 0; middle <= cut; middle += 1) {
      const thread = prepend(prepend(late, all.slice(middle, cut), true), all.slice(0, middle), false);
      expect(messages(thread), `${cut} ${middle}`).toEqual(messages(append(EMPTY, all)));
      expect(thread.loose).toEqual([]);
    }
  }
});

test('delivery: stored, delivered, read', () => {
  const isOther = (reader: string): boolean => reader === 'visitor';
  const [message] = messages(append(EMPTY, [said(5, agent)]));
  const marks = (read: number, delivered: number) => ({ read: { visitor: read }, delivered: { visitor: delivered } });
  expect(deliveryOf(message!, marks(0, 4), isOther)).toBe('stored');
  expect(deliveryOf(message!, marks(4, 5), isOther)).toBe('delivered');
  expect(deliveryOf(message!, marks(5, 5), isOther)).toBe('read');
});

test('files that a provider hands over later come with an edit that changes no word', () => {
  const place = { file: '', name: 'image', mime: 'image/*', bytes: 0, ref: 'MEDIA' };
  const file = { file: 'f1', name: 'a.png', mime: 'image/png', bytes: 9 };
  const before = append(EMPTY, [said(5, visitor, { kind: 'image', attachments: [place], provider: { id: '1', at: 7 } })]);
  expect(messages(before)[0]).toMatchObject({ filesSeq: 5, providerAt: 7 });
  const after = append(before, [other(6, { type: 'message.edited', target: 'm5', text: 't5', attachments: [file] })]);
  expect(messages(after)[0]).toMatchObject({ filesSeq: 6, edited: false, attachments: [file] });
});

test('what a customer does at the provider is a fact; what it reports stays with its message, once', () => {
  const entered = said(1, visitor, { kind: 'event', text: 'enter', provider: { id: 'e' } });
  const report = other(3, { type: 'delivery.updated', target: 'm2', state: 'sent' });
  const thread = append(append(EMPTY, [entered, said(2, agent), report]), [report]);
  expect(thread.items.map((item) => item.is)).toEqual(['fact', 'message']);
  expect(messages(thread)[0]?.deliveries.map((one) => one.seq)).toEqual([3]);
});

test('an event of a type we do not know is one fact, not a fault', () => {
  const thread = append(EMPTY, [other(1, { type: 'moon.landed' })]);
  expect(thread.items[0]).toMatchObject({ is: 'fact', seq: 1 });
});

test('a log cut anywhere into older and newer pages reads the same', () => {
  const log: Stored[] = [other(1, { type: 'conversation.opened', inbox: 'web', contact: 'c1' })];
  for (let seq = 2; seq < 30; seq += 1) log.push(said(seq, seq % 3 ? visitor : agent));
  const whole = append(EMPTY, log);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 29 }), fc.integer({ min: 0, max: 5 }), (cut, overlap) => {
      const newer = append(EMPTY, log.slice(cut));
      const both = prepend(newer, log.slice(0, Math.min(log.length, cut + overlap)), false);
      expect(both.items).toEqual(whole.items);
      expect(both.complete).toBe(true);
      expect(append(both, log.slice(cut)).items).toEqual(whole.items); // repeats change nothing
    }),
  );
});

const options = { dayOf: (at: number): number => Math.floor(at / (24 * 60 * minute)), readUpTo: null, isMine: (m: Message): boolean => m.by.kind === 'agent' };
const shape = (lines: readonly Line[]): string[] => lines.map((line) => (line.is === 'message' ? `${line.message.id}${line.first ? ' first' : ''}${line.last ? ' last' : ''}` : line.is));

test('one author within three minutes is one group; facts and days part groups', () => {
  const thread = append(EMPTY, [said(1, visitor), said(2, visitor), said(3, agent), said(9, agent), other(10, { type: 'conversation.resolved' }), said(11, agent)]);
  expect(shape(layout(thread.items, options))).toEqual(['day', 'm1 first', 'm2 last', 'm3 first last', 'm9 first last', 'facts', 'm11 first last']);
});

test('the "new" line stands before the first unread message of the other side, once', () => {
  const thread = append(EMPTY, [said(1, visitor), said(2, agent), said(3, agent), said(4, visitor), said(5, visitor)]);
  const lines = layout(thread.items, { ...options, readUpTo: 1 });
  expect(shape(lines)).toEqual(['day', 'm1 first last', 'm2 first', 'm3 last', 'fresh', 'm4 first', 'm5 last']);
  expect(lines[4]).toMatchObject({ is: 'fresh', count: 2 });
});

test('only lines that changed are new objects', () => {
  const thread = append(EMPTY, [said(1, visitor), said(2, agent)]);
  const before = layout(thread.items, options);
  const after = reuse(before, layout(append(thread, [said(3, agent)]).items, options));
  expect(after[0]).toBe(before[0]);
  expect(after[1]).toBe(before[1]);
  expect(after[2]).not.toBe(before[2]); // no longer the last of its group
});

test('what waits stands at the end; what was refused stays before what the same person wrote after it', () => {
  const me = { kind: 'visitor', id: 'c1' } as const;
  const entry = (id: string, state: Entry['state']): Entry => ({ ...BLANK, id, conv: 'c', text: id, at: 0, tab: '', state });
  const said = (seq: number, id: string, by: Event['by']): Stored =>
    [seq, seq - 1, { type: 'message.added', id, tenant: 't', channel: 'web', conv: 'c', at: seq, by, text: id } as Event];
  const { items } = append(EMPTY, [said(1, '01', me), said(2, '03', { kind: 'agent', id: 'a1' }), said(3, '05', me), said(4, '07', me)]);
  const ids = (entries: readonly Entry[]): string[] => withUnsent(items, entries, me).map((item) => item.id);
  expect(ids([entry('02', 'failed'), entry('04', 'failed'), entry('06', 'failed'), entry('08', 'failed'), entry('09', 'waiting')])).toEqual(
    ['01', '03', '02', '04', '05', '06', '07', '08', '09'],
  );
  expect(ids([entry('02', 'waiting')])).toEqual(['01', '03', '05', '07', '02']);
});
