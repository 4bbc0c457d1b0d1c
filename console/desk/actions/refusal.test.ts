import { expect, test } from 'vitest';
import { ACTS } from '../../api/acts.ts';
import { refusal, type ActName } from './refusal.ts';

const queued = { status: 'queued', agent: '' } as const;
const taken = { status: 'open', agent: 'li' } as const;
const resolved = { status: 'resolved', agent: 'li' } as const;
const closed = { status: 'closed', agent: 'li' } as const;

/** The same cases as tests/unit/backbone/test_conversation.py has. */
test.each([
  [queued, 'take', 'li', null],
  [taken, 'take', 'li', 'conversation.yours_already'],
  [taken, 'take', 'wang', 'conversation.taken'],
  [taken, 'assign', 'wang', null],
  [taken, 'assign', 'li', 'conversation.assigned_already'],
  [resolved, 'take', 'wang', 'conversation.resolved'],
  [resolved, 'resolve', '', 'conversation.resolved'],
  [resolved, 'reopen', 'li', null],
  [queued, 'reopen', 'li', 'conversation.not_resolved'],
  [taken, 'release', 'wang', 'conversation.not_yours'],
  [taken, 'release', 'li', null],
  [taken, 'resolve', '', null],
] as const)('%j, %s by %s: %s', (standing, act, agent, code) => {
  expect(refusal(act, standing, agent)).toBe(code);
});

test('what is closed for good refuses every act', () => {
  for (const act of Object.keys(ACTS) as ActName[]) expect(refusal(act, closed, 'wang')).toBe('conversation.closed');
});
