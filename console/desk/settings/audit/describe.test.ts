import { expect, test, beforeAll } from 'vitest';
import { fieldName, kindName, recordName, title, told, valueText, whyText, type Names } from './describe.ts';
import { use } from '../texts.ts';

const KNOWN: Readonly<Record<string, string>> = { 'team sales': 'Sales', 'agent lin': '林晓', 'role lead': 'Night lead', 'inbox web': 'Web' };
const NAMES: Names = { of: (kind, id) => KNOWN[`${kind} ${id}`] ?? id };
const words = (field: string, value: unknown): string => valueText(field, value, NAMES, (at) => `at ${at}`);

beforeAll(async () => {
  Object.assign(globalThis, { document: { documentElement: { lang: '' } } });
  await use('en');
});

test.each([
  ['greeting', null, 'nothing'],
  ['greeting', '', 'nothing'],
  ['active', false, 'no'],
  ['password', '(set)', 'set'],
  ['settings', '(another)', 'another one'],
  ['reopen_window_s', 259_200, '3 days'],
  ['opens_on', 'entered', 'Whoever comes in'],
  ['reach', 'own', 'Only their own'],
  ['reach', 'new', 'new'],
  ['role', 'admin', 'Admin'],
  ['role', 'lead', 'Night lead'],
  ['team', 'sales', 'Sales'],
  ['teams', ['sales', 'gone'], 'Sales, gone'],
  ['inboxes', [], 'nothing'],
  ['actions', ['audit.read', 'new.right'], 'Read the audit, new.right'],
  ['origins', ['*'], '*'],
  ['exp', 5, 'at 5000'],
  ['week', [{ day: 0, hours: [{ start: 540, end: 1080 }] }], 'Mon 09:00–18:00'],
  ['special', [{ date: '2026-10-01', name: 'National Day', hours: [] }], '2026-10-01 National Day: Closed'],
  ['new_field', { a: 1 }, '{"a":1}'],
])('%s %o is told as %s', (field, value, text) => {
  expect(words(field, value)).toBe(text);
});

test('a change is called by what was changed, also once that is gone', () => {
  expect(title({ kind: 'inbox', id: 'web', what: 'changed', fields: [] }, NAMES)).toBe('Changed inbox Web');
  expect(title({ kind: 'team', id: 'x', what: 'removed', fields: [{ field: 'name', before: 'Old', after: null }] }, NAMES)).toBe('Removed team Old');
  expect(title({ kind: 'invitation', id: 'a1', what: 'made', fields: [] }, NAMES)).toBe('Made an invitation');
  expect(title({ kind: 'reset', id: 'lin', what: 'made', fields: [] }, NAMES)).toBe('Made the reset link of 林晓');
  expect(recordName({ kind: 'team', id: 'x', fields: [] }, NAMES)).toBe('x');
  expect([kindName('new'), fieldName('new'), whyText('invitation accepted'), whyText('ours')]).toEqual(['new', 'new', 'it was accepted', 'ours']);
});

test('of what was made the lines that say something are told, of what was changed every one', () => {
  const fields = [
    { field: 'id', before: null, after: 'x' },
    { field: 'calendar', before: null, after: '' },
    { field: 'teams', before: null, after: [] },
    { field: 'name', before: null, after: 'X' },
  ];
  expect(told({ what: 'made', fields }).map(({ field }) => field)).toEqual(['name']);
  expect(told({ what: 'changed', fields }).map(({ field }) => field)).toEqual(['calendar', 'teams', 'name']);
  expect(told({ what: 'removed', fields })).toEqual([]);
});
