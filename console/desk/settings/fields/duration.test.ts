import fc from 'fast-check';
import { expect, test } from 'vitest';
import { secondsOf, spanOf } from './duration.ts';

test.each([
  [259_200, { n: 3, unit: 'days' }],
  [3_600, { n: 1, unit: 'hours' }],
  [90_000, { n: 25, unit: 'hours' }],
  [60, { n: 1, unit: 'minutes' }],
  [90, { n: 1.5, unit: 'minutes' }],
  [0, { n: 0, unit: 'hours' }],
])('%d seconds are %o', (seconds, span) => {
  expect(spanOf(seconds)).toEqual(span);
});

test('whole minutes come back as they were', () => {
  fc.assert(
    fc.property(fc.nat(600_000), (minutes) => {
      expect(secondsOf(spanOf(minutes * 60))).toBe(minutes * 60);
    }),
  );
});
