import fc from 'fast-check';
import { expect, test } from 'vitest';
import { delayMs, IDLE, step, type Happening, type Link } from './link.ts';

const live: Link = { name: 'live', tries: 0 };
const run = (link: Link, ...happenings: Happening[]): Link => happenings.reduce((now, h) => step(now, h, 0.5)[0], link);

test('the first try comes at once; then the delay has full jitter between 0.2 s and the doubling bound, 20 s at most', () => {
  expect(delayMs(0, 0)).toBe(0);
  expect(delayMs(0, 1)).toBe(200);
  expect(delayMs(1, 0)).toBe(200);
  expect(delayMs(3, 1)).toBe(4_000);
  expect(delayMs(30, 1)).toBe(20_000);
});

test('start opens, welcome makes it live, a loss waits and opens again', () => {
  expect(step(IDLE, { on: 'start' }, 0)).toEqual([{ name: 'connecting', tries: 0 }, [{ do: 'open' }]]);
  const [lost, deeds] = step(live, { on: 'closed', code: 1006 }, 0);
  expect(lost).toEqual({ name: 'backoff', tries: 1 });
  expect(deeds).toEqual([{ do: 'wait', delayMs: 0 }]);
  expect(run(lost, { on: 'due' }, { on: 'welcome' }).name).toBe('live');
});

test('tries are forgotten only once the link has lasted', () => {
  const back = run({ name: 'connecting', tries: 3 }, { on: 'welcome' });
  expect(back).toEqual({ name: 'live', tries: 3 });
  expect(run(back, { on: 'closed', code: 1006 }).tries).toBe(4);
  expect(run(back, { on: 'settled' }).tries).toBe(0);
});

test.each([
  [4401, 'signin'],
  [4403, 'forbidden'],
  [4409, 'elsewhere'],
  [4426, 'outdated'],
] as const)('close code %i stops for a person: %s', (code, reason) => {
  expect(run(live, { on: 'closed', code })).toEqual({ name: 'stopped', tries: 0, reason });
});

test('a slow reader comes back at once, one that is too many waits long', () => {
  const [, soon] = step({ name: 'live', tries: 5 }, { on: 'closed', code: 4408 }, 1);
  expect(soon).toEqual([{ do: 'wait', delayMs: 200 }]);
  const [, late] = step(live, { on: 'closed', code: 4429 }, 1);
  expect(late).toEqual([{ do: 'wait', delayMs: 8_000 }]);
});

test('a move opens the next connection at once and counts as no failure', () => {
  expect(step({ name: 'live', tries: 2 }, { on: 'move' }, 0.5)).toEqual([
    { name: 'connecting', tries: 0 },
    [{ do: 'open' }],
  ]);
  const away = run(live, { on: 'offline' });
  expect(step(away, { on: 'move' }, 0.5)).toEqual([away, []]);
});

test('offline closes and waits for the network, which tries at once', () => {
  const away = run(live, { on: 'offline' });
  expect(away.name).toBe('offline');
  expect(step(away, { on: 'online' }, 0)[1]).toEqual([{ do: 'open' }]);
});

test('whatever happens, a stopped link opens only when started, and a wait is never over 20 s', () => {
  const simple = fc.constantFrom('stop', 'welcome', 'settled', 'due', 'online', 'offline', 'visible', 'silent');
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    simple.map((on) => ({ on }) as Happening),
    fc.constantFrom(1000, 1001, 1006, 1012, 4400, 4401, 4403, 4408, 4409, 4413, 4426, 4429, 4500).map((code) => ({ on: 'closed', code }) as Happening),
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (happenings, random) => {
      let link: Link = step(IDLE, { on: 'start' }, random)[0];
      for (const one of happenings) {
        const [next, deeds] = step(link, one, random);
        if (link.name === 'stopped') expect(deeds.some((deed) => deed.do === 'open')).toBe(false);
        for (const deed of deeds) if (deed.do === 'wait') expect(deed.delayMs).toBeLessThanOrEqual(20_000);
        if (next.name === 'backoff' && link.name !== 'backoff') expect(deeds.some((deed) => deed.do === 'wait')).toBe(true);
        link = next;
      }
    }),
  );
});
