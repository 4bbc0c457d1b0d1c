import { on, type Action } from '../action.ts';

export default {
  id: 'panes/views',
  keys: ['['],
  label: 'keys.views',
  rank: 130,
  ...on('inbox', (inbox) => inbox.toggleViews()),
} satisfies Action;
