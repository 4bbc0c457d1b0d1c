/** From a thread to what is drawn, line by line: days, the "new" line, groups of one author, grey facts. Pure. */
import type { Fact, Item, Message } from './thread.ts';

/** Messages of one author this close together stand as one group. */
export const GROUP_WITHIN_MS = 3 * 60_000;

export type Line =
  | { readonly is: 'day'; readonly key: string; readonly at: number }
  | { readonly is: 'fresh'; readonly key: string; readonly count: number }
  | { readonly is: 'facts'; readonly key: string; readonly facts: readonly Fact[] }
  | { readonly is: 'message'; readonly key: string; readonly message: Message; readonly first: boolean; readonly last: boolean };

export interface LayoutOptions {
  /** Midnight of the day that a time lies in, by the reader's time zone. */
  readonly dayOf: (at: number) => number;
  /** Messages of others above this sequence are new; null: no line. */
  readonly readUpTo: number | null;
  readonly isMine: (message: Message) => boolean;
}

export function layout(items: readonly Item[], options: LayoutOptions): Line[] {
  const lines: Line[] = [];
  const isFresh = (item: Item): boolean =>
    options.readUpTo !== null && item.is === 'message' && item.seq > options.readUpTo && !options.isMine(item);
  const fresh = items.filter(isFresh).length;
  let day = Number.NaN;
  let marked = false;
  let before: Message | null = null;
  for (const item of items) {
    const itsDay = options.dayOf(item.at);
    if (itsDay !== day) {
      lines.push({ is: 'day', key: `day-${itsDay}-${item.id}`, at: item.at });
      day = itsDay;
      before = null;
    }
    if (!marked && isFresh(item)) {
      lines.push({ is: 'fresh', key: 'fresh', count: fresh });
      marked = true;
      before = null;
    }
    if (item.is === 'fact') {
      const last = lines.at(-1);
      if (last?.is === 'facts') lines[lines.length - 1] = { ...last, facts: [...last.facts, item] };
      else lines.push({ is: 'facts', key: item.id, facts: [item] });
      before = null;
      continue;
    }
    const joins = before !== null && sameGroup(before, item);
    const previous = lines.at(-1);
    if (joins && previous?.is === 'message') lines[lines.length - 1] = { ...previous, last: false };
    lines.push({ is: 'message', key: item.id, message: item, first: !joins, last: true });
    before = item;
  }
  return lines;
}

function sameGroup(a: Message, b: Message): boolean {
  return a.by.kind === b.by.kind && a.by.id === b.by.id && a.note === b.note && a.data['author'] === b.data['author'] && b.at - a.at < GROUP_WITHIN_MS && !a.note;
}
