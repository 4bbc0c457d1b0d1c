import { inboxHref } from '../../store/address.ts';
import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/inbox',
  keys: ['g i'],
  label: 'keys.go_inbox',
  rank: 140,
  when: () => true,
  run: () => go(inboxHref('mine')),
} satisfies Action;
