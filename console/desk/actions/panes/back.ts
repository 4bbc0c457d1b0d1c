import { on, type Action } from '../action.ts';

export default {
  id: 'panes/back',
  keys: ['Escape'],
  label: 'keys.escape',
  rank: 170,
  whileTyping: true,
  ...on('page', (page) => page.back()),
} satisfies Action;
