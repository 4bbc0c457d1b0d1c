import { settingsHref } from '../../store/address.ts';
import { go } from '../../store/route.ts';
import type { Action } from '../action.ts';

export default {
  id: 'go/settings',
  keys: ['g ,'],
  label: 'keys.go_settings',
  rank: 195,
  when: () => true,
  run: () => go(settingsHref('profile')),
} satisfies Action;
