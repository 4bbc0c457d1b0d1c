import { expect, test } from 'vitest';
import { lackingIn, usesOf } from './errors.ts';

test('what uses a record is read out of the sentence that the node says', () => {
  expect(usesOf('It is used by 2 agents and 1 inbox; change these first.')).toEqual([
    { what: 'uses.agents', n: 2 },
    { what: 'uses.inboxes', n: 1 },
  ]);
  expect(usesOf('It is used by 1 open invitation; change these first.')).toEqual([{ what: 'uses.invitations', n: 1 }]);
  expect(usesOf('Something else.')).toEqual([]);
});

test('rights that one lacks are read out of the sentence too', () => {
  expect(lackingIn("You can't give what you may not do yourself: tenant.manage, conversation.release_others.")).toEqual(['tenant.manage', 'conversation.release_others']);
});
