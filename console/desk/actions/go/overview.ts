import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/overview',
  keys: ['g o'],
  label: 'keys.go_overview',
  rank: 180,
  when: () => true,
  run: () => go('#/overview'),
} satisfies Action;
