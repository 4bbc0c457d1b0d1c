import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Err } from './types.ts';
import { AGAIN_MS_MAX, BLANK, change, disconnected, due, faulted, FAULTS_MAX, frameOf, refused, REFUSALS_MAX, seen, stored, unproved, type Entry } from './outbox.ts';

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

test.each(['log.unavailable', 'log.full', 'log.busy', 'log.unknown_outcome', 'limit.rate', 'session.busy'])(
  '%s is no verdict on a message: it waits, those behind it too, and the tries get rarer',
  (code) => {
    let box: Entry[] = [entry('1'), entry('2')];
    let now = 0;
    let tries = 0;
    for (; now < 3_600_000; tries += 1) {
      box = refused(change(box, '1', { state: 'sending' }), error('1', { code }), now);
      expect(box[0]).toMatchObject({ state: 'waiting', error: { code } });
      expect(due(box, always, now)).toEqual([]);
      const wait = (box[0]?.notBefore ?? 0) - now;
      expect(wait).toBeGreaterThanOrEqual(500);
      expect(wait).toBeLessThanOrEqual(AGAIN_MS_MAX);
      now += wait;
      expect(ids(due(box, always, now))).toEqual(['1']);
    }
    expect(tries).toBeLessThan(400); // in an hour
    expect(ids(due(stored(box, '1', 'a', 7), always, now))).toEqual(['2']);
  },
);

test('"later" is obeyed, whatever the code', () => {
  const [one] = refused([entry('1', 'a', { at: 900 })], error('1', { retry_after_ms: 100 }), 1_000);
  expect(one).toMatchObject({ state: 'waiting', notBefore: 1_100 });
});

test('a message follows its conversation to another one so often, then the person decides', () => {
  let box: Entry[] = [entry('1', 'old')];
  for (let n = 1; n < REFUSALS_MAX; n += 1) {
    box = refused(change(box, '1', { conv: 'old' }), error('1', { code: 'conversation.closed' }), 0);
    expect(box[0]).toMatchObject({ state: 'waiting', conv: null });
  }
  expect(refused(change(box, '1', { conv: 'old' }), error('1', { code: 'conversation.closed' }), 0)[0]?.state).toBe('failed');
});

test('of frames that a connection was closed over the bad one is found, alone on its way, and fails; the others go', () => {
  let box: Entry[] = [entry('1', 'a'), entry('bad', 'b'), entry('3', 'c'), entry('behind', 'b')];
  const stored_: string[] = [];
  for (let closes = 0; closes < 10 && due(box, always, 0).length > 0; ) {
    const ready = due(box, always, 0);
    for (const one of ready) box = change(box, one.id, { state: 'sending' });
    if (ready.some((one) => one.id === 'bad')) {
      closes += 1;
      expect(closes).toBeLessThanOrEqual(FAULTS_MAX);
      box = disconnected(faulted(box, { code: 'socket.4400', message: '' }));
    } else for (const one of ready) [box] = [stored(box, one.id, 'a', 1), stored_.push(one.id)];
  }
  expect(stored_.sort()).toEqual(['1', '3', 'behind']);
  expect(box.find((one) => one.id === 'bad')).toMatchObject({ state: 'failed', error: { code: 'socket.4400' } });
});

test('what an older version kept has no count of such closes, and is sent', () => {
  const { faults: _faults, ...old } = entry('1');
  expect(ids(due([old], always, 0))).toEqual(['1']);
  expect(faulted([{ ...old, state: 'sending' }], { code: 'socket.4400', message: '' })[0]?.faults).toBe(1);
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
