import { on, type Action } from '../action.ts';
import { takeNext } from '../acts.ts';

export default {
  id: 'list/takeNext',
  keys: ['n'],
  label: 'keys.next',
  rank: 70,
  ...on('list', (_, { desk }) => void takeNext(desk)),
} satisfies Action;
