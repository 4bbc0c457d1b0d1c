import { describe, expect, test } from 'vitest';
import parts from '../../../tests/cases/parts.json';
import cases from '../../../tests/cases/windows.json';
import type { Event, Stored } from '../../client/index.ts';
import { append, EMPTY, type Message, type Thread } from '../../ui/thread.ts';
import { outcomeOf, reported } from './delivery.ts';
import { messagesOf, sentAs, type Carries } from './plan.ts';
import { filled, fits, matching, whereIs, type Template } from './template.ts';
import { lostAs, worded } from './reasons.ts';
import { partsOf, sizeOf } from './size.ts';
import { roomOf, windowsOf, type Window } from './window.ts';

const BASE = { tenant: 'main', channel: 'wechat', conv: 'x' } as const;
const stored = (seq: number, body: object): Stored => [seq, seq - 1, { ...BASE, id: `e${seq}`, at: seq, ...body } as Event];
const OPENED = stored(0, { type: 'conversation.opened', by: { kind: 'visitor', id: 'c1' }, inbox: 'shop', contact: 'c1' });

describe('windows: the cases that the kit runs too', () => {
  test.each(cases)('$name', (one) => {
    const thread = append(EMPTY, [OPENED, ...one.events.map(([seq, body]) => stored(seq as number, body as object))]);
    const rules = one.windows.map((rule) => ({ template_after: false, ...rule })) as Window[];
    const room = roomOf(rules, thread, one.now)!;
    expect({ is_open: room.isOpen, left: room.left, until_ms: room.untilMs, reason: room.reason, template: room.template }).toEqual(one.room);
  });
});

const RULES: readonly Window[] = [{ by: 'message', count: 5, seconds: 3600, template_after: false }];
const agent = { kind: 'agent', id: 'a1' };
const report = (seq: number, state: string, more: object = {}): Stored =>
  stored(seq, { type: 'delivery.updated', by: { kind: 'provider', id: 'wechat' }, target: 'e2', state, ...more });
const waits = (code: string, final = false): object => ({ error: { code, text: 'why', final } });

test('nothing is said of a window while what opened it is not loaded', () => {
  const later = append(EMPTY, [stored(2, { type: 'message.added', by: agent, text: 'yes' })]);
  expect(roomOf(RULES, later, 5)).toBeNull();
});

test('closed by the clock, it says since when', () => {
  const heard = stored(1, { type: 'message.added', by: { kind: 'visitor', id: 'c1' }, text: 'hi', provider: { id: 'p', at: 1000 } });
  expect(roomOf(RULES, append(EMPTY, [OPENED, heard]), 1000 + 3_600_001)).toMatchObject({ reason: 'time', closedMs: 3_601_000 });
});

function answered(...reports: readonly Stored[]): { message: Message; thread: Thread } {
  const thread = append(EMPTY, [stored(2, { type: 'message.added', by: agent, text: 'yes' }), ...reports]);
  return { message: thread.items[0] as Message, thread };
}

const stateAfter = (...reports: readonly Stored[]): string => reported(answered(...reports).message).state;

test('of a part the highest state stands, in whatever order receipts come', () => {
  expect(stateAfter()).toBe('stored');
  expect(stateAfter(report(3, 'accepted'))).toBe('accepted');
  expect(stateAfter(report(3, 'read'), report(4, 'delivered'), report(5, 'sent'))).toBe('read');
  expect(stateAfter(report(3, 'failed', waits('channel.paused')))).toBe('held');
  expect(stateAfter(report(3, 'failed', waits('channel.paused')), report(4, 'sent'))).toBe('sent');
  expect(stateAfter(report(3, 'sent'), report(4, 'failed', waits('131026', true)))).toBe('failed');
  expect(stateAfter(report(3, 'failed', waits('131026', true)), report(4, 'delivered'))).toBe('delivered');
  expect(stateAfter(report(3, 'unknown', waits('channel.unknown', true)))).toBe('unknown');
  expect(stateAfter(report(3, 'unknown', waits('channel.unknown', true)), report(4, 'sent'))).toBe('sent');
});

test('of a message the worst part is told, and why it waits is the last reason', () => {
  expect(stateAfter(report(3, 'sent', { part: 0, parts: 2 }))).toBe('stored');
  expect(stateAfter(report(3, 'sent', { part: 0, parts: 2 }), report(4, 'read', { part: 1, parts: 2 }))).toBe('sent');
  expect(stateAfter(report(3, 'sent', { part: 0, parts: 2 }), report(4, 'failed', { part: 1, parts: 2, ...waits('channel.rejected', true) }))).toBe('failed');
  const { message } = answered(report(3, 'failed', waits('channel.paused')), report(4, 'failed', waits('channel.window_time')));
  expect(reported(message)).toEqual({ state: 'held', error: { code: 'channel.window_time', text: 'why' } });
});

test('what was given up and is wanted again is on its way, until the provider or another failure says otherwise', () => {
  const gaveUp = report(3, 'failed', waits('channel.gave_up', true));
  const again = report(4, 'failed', waits('channel.again'));
  expect(reported(answered(gaveUp, again).message)).toEqual({ state: 'again', error: null });
  expect(stateAfter(gaveUp, again, report(5, 'failed', waits('channel.paused')))).toBe('held');
  expect(stateAfter(gaveUp, again, report(5, 'sent'), report(6, 'delivered'))).toBe('delivered');
  expect(stateAfter(gaveUp, again, report(5, 'failed', waits('channel.gave_up', true)))).toBe('failed');
  expect(stateAfter(gaveUp, again, report(5, 'failed', waits('channel.gave_up', true)), report(6, 'failed', waits('channel.again')))).toBe('again');
  expect(stateAfter(report(3, 'sent'), again)).toBe('sent');
  const part = (n: number): object => ({ part: n, parts: 2 });
  const half = [report(3, 'sent', part(0)), report(4, 'failed', { ...part(1), ...waits('channel.rejected', true) })];
  expect(stateAfter(...half, report(5, 'failed', { ...part(1), ...waits('channel.again') }))).toBe('again');
  const { message } = answered(gaveUp, again);
  expect(outcomeOf(message, { read: { visitor: 9 }, delivered: {} }).state).toBe('again');
});

test('what went out, though not to all, says to whom it did not', () => {
  const { message } = answered(report(3, 'sent', waits('channel.partly', true)));
  expect(outcomeOf(message, { read: {}, delivered: {} })).toEqual({ state: 'sent', error: { code: 'channel.partly', text: 'why' } });
});

test('marks of whoever reads count beside what the provider says', () => {
  const { message } = answered(report(3, 'sent'));
  expect(outcomeOf(message, { read: { visitor: 9 }, delivered: {} }).state).toBe('read');
  expect(outcomeOf(message, { read: { a1: 9 }, delivered: {} }).state).toBe('sent');
  const held = answered(report(3, 'failed', waits('channel.paused')));
  expect(outcomeOf(held.message, { read: { visitor: 9 }, delivered: {} }).state).toBe('held');
});

test('a reason is told by its number, its sentence or how it begins; what has no words stays as it is', () => {
  const known = { wechat: { '40125': '密钥错误（40125）', 'It is gone.': '没有了。', 'WeChat refuses: …': '微信拒绝：' }, '': { 'no text': '没有文字' } };
  const told = ['Wrong (40125): see the console.', 'It is gone.', 'WeChat refuses: 45056 x', 'no text', 'Another (1).'];
  expect(told.map((text) => worded(known, 'wechat', text))).toEqual(['密钥错误（40125）', '没有了。', '微信拒绝：45056 x', '没有文字', 'Another (1).']);
  expect(worded(known, 'wecom', 'Wrong (40125)')).toBe('Wrong (40125)');
});

test('a file that could not be had keeps its name, and its reason is told like any', () => {
  const told = (reason: string): string => ({ 'It is gone.': '没有了。', 'No file of it (17).': '没有文件（17）。' })[reason] ?? reason;
  const names = ['image (It is gone.)', 'file (No file of it (17).)', 'offer (1).pdf', 'image'];
  expect(names.map((name) => lostAs(name, told))).toEqual(['image (没有了。)', 'file (没有文件（17）。)', 'offer (1).pdf', 'image']);
});

test('a template shows its values, and the places that have none yet', () => {
  const one: Template = { name: 'order_ready', language: 'zh_CN', text: '{{2}}您好，订单 {{1}}，{{ 2 }}', places: ['1', '2'], file: '' };
  expect(filled(one, ['A-1', ' '])).toBe('{{2}}您好，订单 A-1，{{ 2 }}');
  expect(filled(one, ['{{2}}', '李'])).toBe('李您好，订单 {{2}}，李');
  expect([matching([one], 'ORDER 您好'), matching([one], 'en'), matching([one], '')]).toEqual([[one], [], [one]]);
});

test('the places of a title and of an address are told apart, and filled like others', () => {
  expect(['1', 'who', 'title.1', 'title.who', 'button.1'].map(whereIs)).toEqual([
    { where: 'text', place: '1' },
    { where: 'text', place: 'who' },
    { where: 'title', place: '1' },
    { where: 'title', place: 'who' },
    { where: 'button', place: '1' },
  ]);
  const one: Template = { name: 'a', language: 'en', text: 'For {{title.1}}\n{{1}}\nSee: https://a/{{button.1}}', places: ['title.1', '1', 'button.1'], file: 'image' };
  expect(filled(one, ['Li', '', 'x'])).toBe('For Li\n{{1}}\nSee: https://a/x');
});

test.each([
  ['image', 'image/png', 1, true],
  ['image', 'image/png', 11, false],
  ['image', 'image/webp', 1, false],
  ['image', 'application/pdf', 1, false],
  ['file', 'application/pdf', 99, true],
  ['file', 'application/zip', 1, false],
  ['video', 'video/mp4', 99, true],
] as const)('above a text that wants %s stands %s of %i bytes: %s', (file, mime, bytes, is) => {
  const channel = { media_types: { image: ['image/png'], file: ['application/pdf'] }, media_bytes: { image: 10 } };
  expect(fits(channel, { file }, { mime, bytes })).toBe(is);
  expect(fits(undefined, { file }, { mime, bytes })).toBe(file === 'file' || mime.startsWith(file));
});

test('a text in the measure of its channel', () => {
  expect(['bytes', 'utf16', 'chars'].map((measure) => sizeOf('好a😀', measure as 'bytes'))).toEqual([8, 4, 3]);
  const limit = { most: 2048, measure: 'bytes' } as const;
  expect([partsOf('', limit), partsOf('好'.repeat(682), limit), partsOf('好'.repeat(683), limit)]).toEqual([1, 1, 2]);
});

describe('as what a message goes out: the cases that the kit runs too', () => {
  test.each(parts)('$name', ({ channel, text, files, messages, as }) => {
    const said = String(text[0]).repeat(Number(text[1]));
    expect(messagesOf(channel as Carries, said, files)).toBe(messages);
    expect(files.map((file) => sentAs(channel as Carries, file))).toEqual(as);
  });
});

test('what a channel takes in no way goes out as a link, or not at all where customers reach no node', () => {
  const channel = { kinds: ['text'], text: { most: 100, measure: 'chars' }, together: false, caption: false, media_bytes: {} } as const;
  const zip = { mime: 'application/zip', bytes: 10 };
  expect([undefined, true, false].map((links) => sentAs({ ...channel, ...(links === undefined ? {} : { links }) }, zip))).toEqual([
    'link', 'link', 'nothing',
  ]);
});

test('windows are the inbox\u2019s own where its settings decide them, else those that every account has', () => {
  const day: Window = { by: 'message', count: 0, seconds: 86_400, template_after: false, setting: '' };
  const week: Window = { ...day, seconds: 604_800, setting: 'human_agent' };
  expect(windowsOf(undefined, [day, week])).toEqual([day]);
  expect(windowsOf([day, week], [day, week])).toEqual([day, week]);
  expect(windowsOf(undefined, undefined)).toEqual([]);
});
