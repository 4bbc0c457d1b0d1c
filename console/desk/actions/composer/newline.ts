import type { Action } from '../action.ts';

/** Listed alone: the textarea itself breaks the line. */
export default {
  id: 'composer/newline',
  keys: ['Shift+Enter'],
  label: 'keys.newline',
  rank: 120,
  in: 'composer',
  when: () => false,
  run: () => undefined,
} satisfies Action;
