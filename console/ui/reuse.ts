/** Keeps the objects of lines that haven't changed, so that a list draws only those that have. Pure. */
import type { Line } from './layout.ts';

export function reuse(before: readonly Line[], after: readonly Line[]): Line[] {
  const known = new Map(before.map((line) => [line.key, line]));
  return after.map((line) => {
    const old = known.get(line.key);
    return old !== undefined && isSame(old, line) ? old : line;
  });
}

function isSame(a: Line, b: Line): boolean {
  if (a.is === 'message' && b.is === 'message') return a.message === b.message && a.first === b.first && a.last === b.last;
  if (a.is === 'facts' && b.is === 'facts') return a.facts.length === b.facts.length && a.facts.every((fact, n) => fact === b.facts[n]);
  if (a.is === 'day' && b.is === 'day') return a.at === b.at;
  return a.is === 'fresh' && b.is === 'fresh' && a.count === b.count;
}
