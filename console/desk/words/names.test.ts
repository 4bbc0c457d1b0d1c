import { expect, test } from 'vitest';
import type { Event } from '../../client/index.ts';
import { eventText, factText } from './names.ts';

const agent = { kind: 'agent', id: 'a1' } as const;

test('facts say rules and reasons in words, and fall back to what was written', () => {
  // Before a locale is loaded a text is its own key, so that a key says which text was chosen.
  const say = (body: object): string => factText({ tenant: 'main', channel: 'web', conv: 'x', id: 'e', at: 1, ...body } as Event, (id) => id);
  const routing = { kind: 'system', id: 'routing' };
  const assigned = (by: object, rule?: string): string => say({ type: 'conversation.assigned', agent: 'a1', by, ...(rule ? { reason: { rule } } : {}) });
  expect(assigned(agent, 'take')).toBe('fact.taken');
  expect(assigned({ kind: 'agent', id: 'a2' }, 'assign')).toBe('fact.assigned_by');
  expect(assigned(routing, 'fewest_open')).toBe('fact.assigned_fewest_open');
  expect(assigned(routing, 'R-12')).toBe('fact.assigned_rule');
  expect(assigned(routing)).toBe('fact.assigned');
  expect(say({ type: 'conversation.released', agent: 'a1', by: routing, why: 'agent_gone' })).toBe('fact.released_gone');
  expect(say({ type: 'conversation.released', agent: 'a1', by: agent })).toBe('fact.released');
  expect(say({ type: 'conversation.reopened', by: routing, reason: 'visitor' })).toBe('fact.reopened_visitor');
  expect(say({ type: 'conversation.resolved', by: agent, reason: 'sent a new one' })).toBe('fact.because');
  expect(say({ type: 'conversation.resolved', by: agent })).toBe('fact.resolved_by');
  const linked = { contact: 'c1', by: routing };
  expect([say({ type: 'contact.linked', ...linked, name: 'Hana' }), say({ type: 'contact.linked', ...linked })]).toEqual(['fact.known_as', 'fact.vouched']);
  expect([say({ type: 'contact.merged', ...linked, name: 'Hana' }), say({ type: 'contact.merged', ...linked })]).toEqual(['fact.merged_as', 'fact.merged']);
  expect(say({ type: 'moon.landed', by: routing })).toBe('fact.other');
});

test('what a customer did at their provider says what was tapped, by what they came, and where they are now', () => {
  expect(eventText('menu', { choice: 'V1', choice_text: 'Talk to us' })).toBe('fact.tapped');
  expect([eventText('menu', { scanned: 'x', choice: 'V1' }), eventText('enter', { scene: 'till-4' }), eventText('menu', { scene: 'till-4' })]).toEqual(['fact.scanned', 'fact.came_by', 'fact.came_by']);
  expect([eventText('moved', { from: '1', to: '2' }), eventText('moved', { to: '2' }), eventText('moved')]).toEqual(['fact.moved_from', 'fact.moved_to', 'fact.moved']);
  expect([eventText('enter'), eventText('menu'), eventText('blocked'), eventText('waved')]).toEqual(['fact.entered', 'fact.menu', 'fact.blocked', 'fact.other']);
});
