import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/channels',
  keys: ['g c'],
  label: 'keys.go_channels',
  rank: 190,
  when: ({ desk }) => desk.who.agent.role === 'admin',
  run: () => go('#/channels'),
} satisfies Action;
