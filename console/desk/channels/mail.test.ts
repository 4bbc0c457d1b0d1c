import { expect, test } from 'vitest';
import cases from '../../../tests/cases/recipients.json' with { type: 'json' };
import type { Item } from '../../ui/thread.ts';
import { contextOf, doubtOf, recipients } from './mail.ts';

const CUSTOMER = 'a@x.example';

test.each(cases)('recipients above the composer are those that the channel writes to: $name', ({ context, chosen, to, cc, doubtful }) => {
  expect(recipients(context as unknown as Record<string, string>, CUSTOMER, chosen ?? '')).toEqual({ to, cc, doubtful });
});

test('what isn\u2019t a pass of DMARC is said beside the sender, and nothing of what is no mail', () => {
  expect(doubtOf({ from: CUSTOMER, dmarc: 'pass' })).toBeUndefined();
  expect(doubtOf({})).toBeUndefined();
  expect(doubtOf({ from: CUSTOMER, dmarc: 'fail' })).toBe('mail.forged');
  for (const dmarc of ['', 'none', 'temperror']) expect(doubtOf({ from: CUSTOMER, dmarc })).toBe('mail.unproven');
  expect(doubtOf({ from: CUSTOMER })).toBe('mail.unproven');
});

test('a conversation without mails has no recipients', () => {
  expect(contextOf([])).toBeUndefined();
});

test('copies are those that an agent chose, until the customer names others', () => {
  const by = (kind: string, more: object): Item => ({ is: 'message', by: { kind, id: 'x' }, note: false, context: {}, cc: null, ...more }) as unknown as Item;
  const begun = by('agent', { cc: ['Boss@x.example', 'b@x.example'] });
  expect(contextOf([begun, by('agent', {})])).toEqual({ cc: 'boss@x.example b@x.example' });
  expect(contextOf([begun, by('visitor', { context: { from: CUSTOMER, cc: 'c@x.example' } })])).toMatchObject({ cc: 'c@x.example' });
  expect(contextOf([by('visitor', { context: { from: CUSTOMER, cc: 'c@x.example' } }), by('agent', { cc: [] })])).toMatchObject({ cc: '' });
});
