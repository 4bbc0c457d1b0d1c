import { expect, test } from 'vitest';
import { grouped } from './names.ts';

test('rights are grouped by what they are about, in the order of their words, each once; those of a newer node come last', () => {
  expect(grouped(['audit.read', 'conversation.write', 'conversation.read', 'conversation.later', 'robot.run', 'conversation.read'])).toEqual([
    { name: 'noun.conversation', actions: ['conversation.read', 'conversation.write', 'conversation.later'] },
    { name: 'noun.tenant', actions: ['audit.read'] },
    { name: 'noun.other', actions: ['robot.run'] },
  ]);
  expect(grouped([])).toEqual([]);
});
