import { on, type Action } from '../action.ts';

export default {
  id: 'message/edit',
  keys: ['c'],
  label: 'keys.change',
  rank: 45,
  ...on('message', (message) => message.edit()),
} satisfies Action;
