import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/search',
  keys: ['g s'],
  label: 'keys.go_search',
  rank: 160,
  when: () => true,
  run: () => go('#/search'),
} satisfies Action;
