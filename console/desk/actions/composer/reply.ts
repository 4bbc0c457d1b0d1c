import { on, type Action } from '../action.ts';

export default {
  id: 'composer/reply',
  keys: ['r'],
  label: 'keys.reply',
  rank: 20,
  ...on('composer', (composer) => composer.write('reply')),
} satisfies Action;
