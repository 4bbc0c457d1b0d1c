import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Err } from './types.ts';
import { BLANK, change, disconnected, due, frameOf, refused, REFUSALS_MAX, seen, stored, unproved, type Entry } from './outbox.ts';

const entry = (id: string, conv: string | null = 'a', more: Partial<Entry> = {}): Entry => ({
  ...BLANK, id, conv, text: id, at: 0, tab: 'tab', ...more,
});
const ids = (entries: readonly Entry[]): string[] => entries.map((one) => one.id);
const always = (): boolean => true;
const error = (id: string, more: Partial<Err> = {}): Err => ({ t: 'err', id, code: 'text.refused', message: 'no', ...more });

test('one message of a conversation is on its way at a time, conversations side by side', () => {
  const box = [entry('1'), entry('2'), entry('3', 'b')];
  expect(ids(due(box, always, 0))).toEqual(['1', '3']);
  expect(ids(due(change(box, '1', { state: 'sending' }), always, 0))).toEqual(['3']);
  expect(ids(due(stored(box, '1', 'a', 7), always, 0))).toEqual(['2', '3']);
});

test('a refused message blocks nothing behind it', () => {
  const box = refused([entry('1'), entry('2')], error('1'), 0);
  expect(box[0]).toMatchObject({ state: 'failed', error: { code: 'text.refused' } });
  expect(ids(due(box, always, 0))).toEqual(['2']);
});

test('after a loss the replay is looked at first, and what it shows is not sent again', () => {
  const box = disconnected([entry('1', 'a', { state: 'sending' }), entry('2')]);
  expect(unproved(box)).toEqual(['a']);
  expect(due(box, () => false, 0)).toEqual([]);
  expect(ids(due(box, always, 0))).toEqual(['1']);
  expect(ids(due(seen(box, new Set(['1'])), always, 0))).toEqual(['2']);
});

test('messages that wait for a conversation to be opened join it', () => {
  const box = stored([entry('1', null), entry('2', null), entry('3', null, { to: { inbox: 'web', contact: 'c9' } })], '1', 'new', 3);
  expect(box.map((one) => one.conv)).toEqual(['new', 'new', null]);
});

test('a conversation closed meanwhile: the message opens another', () => {
  const [one] = refused([entry('1', 'old')], error('1', { code: 'conversation.closed' }), 0);
  expect(one).toMatchObject({ conv: null, state: 'waiting' });
  expect(refused([entry('1', 'old', { note: true })], error('1', { code: 'conversation.closed' }), 0)[0]?.state).toBe('failed');
});

test('"later" is obeyed a few times, then the person decides', () => {
  let box: Entry[] = [entry('1')];
  for (let n = 1; n < REFUSALS_MAX; n += 1) {
    box = refused(box, error('1', { retry_after_ms: 100 }), 1_000);
    expect(box[0]).toMatchObject({ state: 'waiting', notBefore: 1_100 });
    expect(due(box, always, 1_050)).toEqual([]);
  }
  expect(refused(box, error('1', { retry_after_ms: 100 }), 1_000)[0]?.state).toBe('failed');
});

test('the frame carries the same id and only file ids', () => {
  const frame = frameOf(entry('1', null, { attachments: [{ file: 'f', name: 'a.png', mime: 'image/png', bytes: 3 }] }));
  expect(frame).toMatchObject({ t: 'send', id: '1', conv: null, attachments: ['f'] });
});

test('whatever is acknowledged, refused or lost, what goes out keeps the order of writing', () => {
  const deed = fc.constantFrom('pump', 'ok', 'err', 'later', 'lost');
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), fc.array(deed, { maxLength: 60 }), (lanes, deeds) => {
      let box = lanes.map((isFirst, n) => entry(String(n).padStart(3, '0'), isFirst ? 'a' : 'b'));
      const done: string[] = [];
      let seq = 0;
      for (const one of deeds) {
        const flying = box.find((each) => each.state === 'sending');
        if (one === 'pump') for (const each of due(box, always, 1e9)) box = change(box, each.id, { state: 'sending' });
        else if (one === 'lost') box = disconnected(box);
        else if (flying !== undefined && one === 'ok') {
          done.push(flying.id);
          box = stored(box, flying.id, flying.conv ?? '', (seq += 1));
        } else if (flying !== undefined && one === 'err') box = refused(box, error(flying.id), 0);
        else if (flying !== undefined) box = refused(box, error(flying.id, { retry_after_ms: 5 }), 0);
        for (const conv of ['a', 'b']) {
          expect(box.filter((each) => each.conv === conv && each.state === 'sending').length).toBeLessThanOrEqual(1);
          const sent = done.filter((id) => box.find((each) => each.id === id)?.conv === conv);
          expect(sent).toEqual([...sent].sort());
        }
      }
      expect(new Set(done).size).toBe(done.length);
    }),
  );
});
