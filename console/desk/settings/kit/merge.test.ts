import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedFields, merge } from './merge.ts';

const BASE = { name: 'Web', greeting: 'Hi', origins: ['*'] };

test('what was typed stays, what only the other one changed is taken, what both changed is named', () => {
  const mine = { ...BASE, greeting: 'Hello', origins: ['https://a.example'] };
  const theirs = { ...BASE, name: 'Shop', origins: ['https://b.example'] };
  expect(merge(BASE, mine, theirs)).toEqual({
    value: { name: 'Shop', greeting: 'Hello', origins: ['https://a.example'] },
    clashes: ['origins'],
    taken: ['name'],
  });
});

test('the same change by both is no clash; a list is compared by value', () => {
  const both = { ...BASE, origins: ['https://a.example'] };
  expect(merge(BASE, both, { ...both, origins: [...both.origins] })).toEqual({ value: both, clashes: [], taken: [] });
  expect(changedFields(BASE, { ...BASE, origins: ['*'] })).toEqual([]);
});

test('no merge loses what was typed, nor what was stored where nothing was typed', () => {
  const record = fc.record({ a: fc.nat(2), b: fc.nat(2), c: fc.array(fc.nat(1), { maxLength: 2 }) });
  fc.assert(
    fc.property(record, record, record, (base, mine, theirs) => {
      const { value } = merge(base, mine, theirs);
      const typed = changedFields(base, mine);
      for (const field of ['a', 'b', 'c'] as const) expect(value[field]).toEqual(typed.includes(field) ? mine[field] : theirs[field]);
    }),
  );
});
