import { on, type Action } from '../action.ts';

export default {
  id: 'list/next',
  keys: ['j'],
  label: 'keys.move',
  rank: 10,
  ...on('list', (list) => list.move(1)),
} satisfies Action;
