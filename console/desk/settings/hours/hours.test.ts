import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faultOf, hoursOf, minutesOf, nextInterval, recordOf, runs, specialRecordOf, specialsOf, tidy, weekOf } from './hours.ts';

test.each([
  ['9', 540],
  ['09:00', 540],
  ['0930', 570],
  ['9.30', 570],
  ['18：30', 1110],
  ['24:00', 1440],
  ['24:01', NaN],
  ['9:60', NaN],
  ['', NaN],
  ['nine', NaN],
])('%s is minute %d of the day', (text, minutes) => {
  expect(minutesOf(text)).toBe(minutes);
});

test('a week comes back as it was stored, its days in order, without closed ones', () => {
  const hours = fc.uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 2 }).map((pair) => {
    const [start = 0, end = 0] = pair.sort((a, b) => a - b);
    return { start, end };
  });
  const week = fc.uniqueArray(fc.record({ day: fc.integer({ min: 0, max: 6 }), hours: fc.array(hours, { minLength: 1, maxLength: 3 }) }), { selector: ({ day }) => day });
  fc.assert(
    fc.property(week, (stored) => {
      expect(recordOf(weekOf(stored))).toEqual([...stored].sort((a, b) => a.day - b.day));
    }),
  );
});

test('special days come back by date, closed ones and those with hours', () => {
  const stored = [
    { date: '2026-10-01', name: 'National Day', hours: [] },
    { date: '2026-10-10', name: '', hours: [{ start: 540, end: 1080 }] },
  ];
  expect(specialRecordOf([...specialsOf(stored)].reverse())).toEqual(stored);
});

test.each([
  [[], ''],
  [[{ from: '9', to: '12' }, { from: '13', to: '18' }], ''],
  [[{ from: '13', to: '18' }, { from: '9', to: '13' }], ''],
  [[{ from: '9', to: '13:01' }, { from: '13', to: '18' }], 'overlap'],
  [[{ from: '18', to: '9' }], 'order'],
  [[{ from: '9', to: '9' }], 'order'],
  [[{ from: '9', to: '' }], 'time'],
])('%o is wrong by %s', (intervals, fault) => {
  expect(faultOf(intervals)).toBe(fault);
});

test('what is offered next fits behind what is there, whatever that is', () => {
  expect(nextInterval([])).toEqual({ from: '09:00', to: '18:00' });
  expect(nextInterval([{ from: '09:00', to: '12:00' }])).toEqual({ from: '13:00', to: '17:00' });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1440 }), (end) => {
      const [next] = hoursOf([nextInterval([{ from: '00:00', to: tidy(String(Math.floor(end / 60))) }])]);
      expect((next?.start ?? 0) < (next?.end ?? 0) && (next?.end ?? 0) <= 1440).toBe(true);
    }),
  );
});

test('days of the same hours are told as one', () => {
  const usual = [{ from: '9', to: '18:00' }];
  expect(runs([usual, usual, usual, usual, usual, [{ from: '10:00', to: '12:00' }], []])).toEqual([
    { first: 0, last: 4, hours: '09:00–18:00' },
    { first: 5, last: 5, hours: '10:00–12:00' },
  ]);
});
