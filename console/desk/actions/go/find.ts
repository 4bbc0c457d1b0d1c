import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/find',
  keys: ['/'],
  label: 'keys.search',
  rank: 90,
  when: () => true,
  run: () => go('#/search'),
} satisfies Action;
