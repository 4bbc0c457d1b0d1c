import { expect, test } from 'vitest';
import { pickLocale, translator } from './i18n.ts';
import { uuid7 } from './ids.ts';

const texts = { hello: 'Hello {name}', new: { one: '{n} message', other: '{n} messages' } } as const;

test('places and plural forms', () => {
  const t = translator('en', texts);
  expect(t('hello', { name: 'Mei' })).toBe('Hello Mei');
  expect(t('new', { n: 1 })).toBe('1 message');
  expect(t('new', { n: 2 })).toBe('2 messages');
  expect(translator('zh-CN', { new: { other: '{n} 条' } })('new', { n: 1 })).toBe('1 条');
});

test('the first language that we speak', () => {
  expect(pickLocale(['fr-FR', 'zh-TW'])).toBe('zh-CN');
  expect(pickLocale([null, undefined, '', 'en-GB'])).toBe('en');
  expect(pickLocale(['de'])).toBe('en');
});

test('a UUID of version 7 sorts by time', () => {
  const [early, late] = [uuid7(1_764_000_000_000), uuid7(1_764_000_000_001)];
  expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(early < late).toBe(true);
  expect(parseInt(early.slice(0, 8) + early.slice(9, 13), 16)).toBe(1_764_000_000_000);
});
