import { on, type Action } from '../action.ts';

export default {
  id: 'panes/contact',
  keys: [']'],
  label: 'keys.contact',
  rank: 150,
  ...on('inbox', (inbox) => inbox.toggleContact()),
} satisfies Action;
