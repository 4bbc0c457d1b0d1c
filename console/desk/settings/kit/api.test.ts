import { expect, test } from 'vitest';
import { Problem } from '../../../ui/rest.ts';
import { createKeys, isLostUpdate } from './api.ts';

test('the same body again bears the same key, another one another', () => {
  const keyOf = createKeys();
  const first = keyOf({ name: 'a' });
  expect([keyOf({ name: 'a' }), keyOf({ name: 'b' }) === first]).toEqual([first, false]);
  expect(keyOf({ name: 'a' })).not.toBe(first);
});

test.each([
  [new Problem(412, 'resource.changed', ''), true],
  [new Problem(409, 'record.changed', ''), true],
  [new Problem(409, 'record.in_use', ''), false],
  [new Error('x'), false],
])('%o is a lost update: %s', (error, isOne) => {
  expect(isLostUpdate(error)).toBe(isOne);
});
