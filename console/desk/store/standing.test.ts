import { expect, test } from 'vitest';
import type { Event, Head, Stored } from '../../client/index.ts';
import { append, EMPTY } from '../../ui/thread.ts';
import { standing } from './standing.ts';

const head = (conv: string, more: Partial<Head> = {}): Head => ({ conv, tenant: 'main', channel: 'web', ...more });
const agent = { kind: 'agent', id: 'a1' } as const;

test('how a conversation stands follows events newer than its head', () => {
  const event = (seq: number, body: object): Stored => [seq, seq - 1, { tenant: 'main', channel: 'web', conv: 'x', id: `e${seq}`, at: seq, by: agent, ...body } as Event];
  const thread = append(EMPTY, [
    event(1, { type: 'conversation.opened', inbox: 'web', contact: 'c1', contact_name: 'Mei', source: { page: 'https://a' } }),
    event(2, { type: 'conversation.assigned', agent: 'a1' }),
    event(3, { type: 'conversation.resolved' }),
  ]);
  expect(standing(undefined, thread)).toMatchObject({ status: 'resolved', agent: 'a1', contactName: 'Mei', source: { page: 'https://a' } });
  expect(standing(head('x', { seq: 3, status: 'open', agent: 'a2' }), thread)).toMatchObject({ status: 'open', agent: 'a2' });
  expect(standing(head('x', { seq: 2, status: 'open', agent: 'a1' }), thread).status).toBe('resolved');
});
