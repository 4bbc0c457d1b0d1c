import { expect, test } from 'vitest';
import { ENTRIES, seen } from './pages.ts';

const idsFor = (...actions: readonly string[]): readonly string[] => seen((action) => actions.includes(action)).map(({ id }) => id);

test('everybody has their profile, and nobody sees more than they may', () => {
  expect(idsFor()).toEqual(['profile']);
  expect(idsFor('conversation.read', 'audit.read')).toEqual(['profile', 'audit']);
  expect(idsFor('inbox.manage')).toEqual(['profile', 'inboxes', 'channels']);
  expect(seen(() => true)).toEqual(ENTRIES);
});
