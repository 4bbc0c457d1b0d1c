import { on, type Action } from '../action.ts';

export default {
  id: 'list/previous',
  keys: ['k'],
  label: 'keys.move',
  rank: 11,
  ...on('list', (list) => list.move(-1)),
} satisfies Action;
