import { on, type Action } from '../action.ts';

export default {
  id: 'composer/send',
  keys: ['Enter'],
  label: 'keys.send',
  rank: 100,
  in: 'composer',
  ...on('composer', (composer) => composer.send()),
} satisfies Action;
