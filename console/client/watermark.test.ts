import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import cases from '../../tests/cases/watermark.json';
import { asked, HELD_MAX, receive, type Arrival, type Tail } from './watermark.ts';

interface Step {
  readonly ev?: readonly number[];
  readonly skip?: readonly number[];
  readonly evs?: { readonly epoch: number; readonly events: readonly number[]; readonly upto: number };
}

function arrivalOf(step: Step): Arrival<number> {
  if (step.ev) return { t: 'ev', seq: step.ev[0] ?? 0, prev: step.ev[1] ?? 0, event: step.ev[0] ?? 0 };
  if (step.skip) return { t: 'skip', seq: step.skip[0] ?? 0, prev: step.skip[1] ?? 0 };
  const { epoch, events, upto } = step.evs ?? { epoch: 0, events: [], upto: 0 };
  return { t: 'evs', epoch, upto, events: events.map((seq) => [seq, 0, seq]) };
}

describe('the cases that the node runs too', () => {
  test.each(cases)('$name', (one) => {
    const mark = one.mark === null ? null : ([one.mark[0] ?? 0, one.mark[1] ?? 0] as const);
    let tail: Tail<number> = { mark, held: [], asking: mark === null };
    const applied: number[] = [];
    let asks = 0;
    for (const step of one.steps as Step[]) {
      const outcome = receive(tail, arrivalOf(step));
      tail = outcome.tail;
      asks += Number(outcome.ask);
      applied.push(...outcome.apply.map(([seq]) => seq));
    }
    expect(applied).toEqual(one.applied);
    expect(tail.mark).toEqual(one.mark_after);
    // One replay under way answers for every gap behind it, so we ask at most as often, and not never.
    expect(asks).toBeLessThanOrEqual(one.asks);
    expect(asks > 0).toBe(one.asks > 0);
  });
});

test('any order, repetition and loss ends in the log itself, once, in order', () => {
  const scenario = fc.record({
    // gaps between sequences, and which events are hidden from this reader
    log: fc.array(fc.record({ step: fc.integer({ min: 1, max: 4 }), hidden: fc.boolean() }), { minLength: 1, maxLength: 20 }),
    start: fc.nat(),
    lost: fc.array(fc.nat(), { maxLength: 8 }),
    order: fc.array(fc.nat(), { minLength: 0, maxLength: 40 }),
  });
  fc.assert(
    fc.property(scenario, ({ log, start, lost, order }) => {
      let seq = 0;
      const stored = log.map(({ step, hidden }) => {
        const prev = seq;
        seq += step;
        return { seq, prev, hidden };
      });
      const last = stored.at(-1)?.seq ?? 0;
      const begin = start % (stored.length + 1);
      const mark = begin === 0 ? 0 : (stored[begin - 1]?.seq ?? 0);
      const replay = (after: number): Arrival<number> => ({
        t: 'evs',
        epoch: 1,
        upto: last,
        events: stored.filter((one) => one.seq > after && !one.hidden).map((one) => [one.seq, one.prev, one.seq]),
      });
      const frame = (n: number): Arrival<number> | null => {
        const one = stored[n % stored.length];
        if (one === undefined || lost.some((l) => l % stored.length === n % stored.length)) return null;
        return one.hidden ? { t: 'skip', seq: one.seq, prev: one.prev } : { t: 'ev', seq: one.seq, prev: one.prev, event: one.seq };
      };
      let tail: Tail<number> = { mark: [1, mark], held: [], asking: false };
      const applied: number[] = [];
      const take = (arrival: Arrival<number>): void => {
        const outcome = receive(tail, arrival);
        tail = outcome.tail;
        applied.push(...outcome.apply.map(([at]) => at));
        expect(tail.held.length).toBeLessThanOrEqual(HELD_MAX);
      };
      for (const n of order) {
        const arrival = frame(n);
        if (arrival !== null) take(arrival);
      }
      take(replay(tail.mark?.[1] ?? 0)); // the reconnect that always comes
      expect(applied).toEqual(stored.filter((one) => one.seq > mark && !one.hidden).map((one) => one.seq));
      expect(tail.mark).toEqual([1, Math.max(mark, last)]);
      expect(tail.held).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

test('before the first answer everything is held, nothing is asked twice', () => {
  const first = receive(asked<number>(null), { t: 'ev', seq: 9, prev: 7, event: 9 });
  expect(first.ask).toBe(false);
  expect(first.apply).toEqual([]);
  const second = receive(first.tail, { t: 'evs', epoch: 3, events: [[7, 5, 7]], upto: 7 });
  expect(second.apply.map(([seq]) => seq)).toEqual([7, 9]);
  expect(second.tail.mark).toEqual([3, 9]);
});

test('resync forgets and asks for the newest', () => {
  const outcome = receive<number>({ mark: [1, 5], held: [], asking: false }, { t: 'resync', epoch: 2 });
  expect(outcome).toMatchObject({ forget: true, ask: true, tail: { mark: null, asking: true } });
});

test('more than the bound is not held but asked for', () => {
  let tail: Tail<number> = { mark: [1, 1], held: [], asking: true };
  for (let seq = 10; seq < 10 + HELD_MAX; seq += 1) tail = receive(tail, { t: 'ev', seq, prev: seq - 1, event: seq }).tail;
  expect(tail.held.length).toBe(HELD_MAX);
  const outcome = receive({ ...tail, asking: false }, { t: 'ev', seq: 9_000, prev: 8_999, event: 1 });
  expect(outcome.tail.held).toEqual([]);
  expect(outcome.ask).toBe(true);
});
