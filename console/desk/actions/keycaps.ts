/** Keys as they are drawn: on buttons, in the help overlay. Pure. */
import type { TextKey } from '../words/texts.ts';
import type { Action } from './action.ts';

const CAPS: Readonly<Record<string, string>> = { Escape: 'Esc' };

/** One cap a key: `g i` is G and I, `Shift+Enter` is Shift and Enter. */
const caps = (keys: string): readonly string[] =>
  keys.split(/[ +]/).map((key) => CAPS[key] ?? (key.length === 1 ? key.toUpperCase() : key));

/** The first key of an action in a few characters, as it stands on a button or in a sentence. */
export const keycaps = ({ keys }: Pick<Action, 'keys'>): string => caps(keys[0] ?? '').join(' ');

export interface HelpRow {
  readonly label: TextKey;
  readonly caps: readonly string[];
}

/** Rows of the help overlay by rank; actions of one label share a row. */
export function helpRows(actions: readonly Action[]): readonly HelpRow[] {
  const rows = new Map<TextKey, Set<string>>();
  for (const { label, keys } of [...actions].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))) {
    rows.set(label, new Set([...(rows.get(label) ?? []), ...keys.flatMap(caps)]));
  }
  return [...rows].map(([label, all]) => ({ label, caps: [...all] }));
}
