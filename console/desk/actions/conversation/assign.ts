import { on, type Action } from '../action.ts';

export default {
  id: 'conversation/assign',
  keys: ['a'],
  label: 'keys.assign',
  rank: 60,
  ...on('assign', (assign) => assign.open()),
} satisfies Action;
