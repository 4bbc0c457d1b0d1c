import { on, type Action } from '../action.ts';

export default {
  id: 'composer/note',
  keys: ['m'],
  label: 'keys.note',
  rank: 40,
  ...on('composer', (composer) => composer.write('note')),
} satisfies Action;
