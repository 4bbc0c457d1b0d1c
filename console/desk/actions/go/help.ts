import { on, type Action } from '../action.ts';

export default {
  id: 'go/help',
  keys: ['?'],
  label: 'keys.help',
  rank: 200,
  ...on('help', (help) => help.open()),
} satisfies Action;
