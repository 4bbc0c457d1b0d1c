import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/channels',
  keys: ['g c'],
  label: 'keys.go_channels',
  rank: 190,
  when: ({ desk }) => ['owner', 'admin'].includes(desk.who.agent.role),
  run: () => go('#/channels'),
} satisfies Action;
