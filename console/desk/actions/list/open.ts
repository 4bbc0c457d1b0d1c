import { on, type Action } from '../action.ts';

export default {
  id: 'list/open',
  keys: ['Enter'],
  label: 'keys.open',
  rank: 30,
  in: 'list',
  ...on('list', (list) => list.open()),
} satisfies Action;
