import { on, type Action } from '../action.ts';

export default {
  id: 'conversation/close',
  keys: ['u'],
  label: 'keys.back',
  rank: 50,
  ...on('inbox', (inbox) => inbox.closeConversation()),
} satisfies Action;
