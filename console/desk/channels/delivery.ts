/**
 * What became of a message of ours at its provider's, from what the channel wrote into the log. Pure. Receipts come in
 * any order: of a part the highest state stands, as `adapters/channels/kit/state.py` has it; of a message, the worst part.
 */
import type { Entry } from '../../client/index.ts';
import { deliveryOf, type Delivered, type Delivery, type Marks, type Message } from '../../ui/thread.ts';

/**
 * Beyond `Delivery`: `held` waits with a reason, `again` was given up and is being sent after all, `accepted` and `sent`
 * are the provider's, `unknown` may have been sent.
 */
export type State = Delivery | 'held' | 'again' | 'accepted' | 'sent' | 'unknown';

export interface Outcome {
  readonly state: State;
  /** Why it waits or failed. */
  readonly error: { readonly code: string; readonly text: string } | null;
}

const RANKS: Readonly<Record<string, number>> = { held: 0, again: 0, accepted: 1, unknown: 2, sent: 3, failed: 4, delivered: 5, read: 6 };
/** Precedence of states over parts: the first that any part has is the message's. */
const WORST: readonly State[] = ['failed', 'unknown', 'held', 'again', 'stored', 'accepted', 'sent', 'delivered', 'read'];

export const rankOf = (state: string): number => RANKS[state] ?? 0;

export function stateOf({ event }: Delivered): State {
  if (event.state !== 'failed' || !event.error || event.error.final === true) return event.state;
  return event.error.code === 'channel.again' ? 'again' : 'held';
}

/** Whether `again` (a retry asked for by an agent) applies: only to a part that failed for good. */
export const isRevived = (before: State | undefined, state: State): boolean => state === 'again' && before === 'failed';

const NOTHING: Outcome = { state: 'stored', error: null };

/** State by receipts alone; `stored` without any. */
export function reported(message: Message): Outcome {
  const parts = new Map<number, Outcome>();
  let count = 1;
  for (const one of message.deliveries) {
    count = Math.max(count, one.event.parts ?? 1);
    const part = one.event.part ?? 0;
    const before = parts.get(part);
    const state = stateOf(one);
    if (state === 'again') {
      if (isRevived(before?.state, state)) parts.set(part, { state, error: null });
      continue;
    }
    // A later reason to wait replaces an earlier one.
    if (before !== undefined && rankOf(state) < rankOf(before.state)) continue;
    if (before !== undefined && state !== 'held' && rankOf(state) === rankOf(before.state)) continue;
    const { error } = one.event;
    parts.set(part, { state, error: error ? { code: error.code, text: error.text ?? '' } : null });
  }
  const all = Array.from({ length: count }, (_, part) => parts.get(part) ?? NOTHING);
  for (const state of WORST) {
    const found = all.find((one) => one.state === state);
    if (found !== undefined) return found;
  }
  return NOTHING;
}

/** States that a read mark doesn't override. */
const AT_WORK: ReadonlySet<State> = new Set<State>(['failed', 'held', 'again']);

/** State of an outgoing message by outbox, receipts and read marks. */
export function outcomeOf(message: Message, marks: Marks, unsent?: Entry): Outcome {
  const state = deliveryOf(message, marks, (reader) => reader === 'visitor', unsent);
  if (state === 'waiting' || state === 'failed' || message.deliveries.length === 0) return { state, error: null };
  const said = reported(message);
  return rankOf(said.state) < rankOf(state) && !AT_WORK.has(said.state) ? { state, error: null } : said;
}
