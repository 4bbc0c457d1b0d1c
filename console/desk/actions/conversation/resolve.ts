import { on, type Action } from '../action.ts';
import { change } from '../acts.ts';

export default {
  id: 'conversation/resolve',
  keys: ['e'],
  label: 'keys.resolve',
  rank: 80,
  ...on('conversation', ({ conv, isOver }, { desk }) => void change(desk, conv, isOver() ? 'reopen' : 'resolve')),
} satisfies Action;
