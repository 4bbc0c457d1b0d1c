import { on, type Action } from '../action.ts';

export default {
  id: 'message/recall',
  keys: ['w'],
  label: 'keys.withdraw',
  rank: 55,
  ...on('message', (message) => message.recall()),
} satisfies Action;
