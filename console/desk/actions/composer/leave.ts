import { on, type Action } from '../action.ts';

export default {
  id: 'composer/leave',
  keys: ['Escape'],
  label: 'keys.escape',
  rank: 171,
  in: 'composer',
  ...on('composer', (composer) => composer.leave()),
} satisfies Action;
