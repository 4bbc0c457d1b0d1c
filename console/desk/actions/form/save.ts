import { on, type Action } from '../action.ts';

export default {
  id: 'form/save',
  keys: ['Ctrl+Enter'],
  label: 'keys.save',
  rank: 205,
  whileTyping: true,
  ...on('form', (form) => form.save()),
} satisfies Action;
