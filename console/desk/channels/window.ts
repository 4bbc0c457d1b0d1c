/**
 * Whether a customer may be written to now, counted from the log as `adapters/channels/kit/windows.py` counts it; the
 * cases of `tests/cases/windows.json` hold both to the same. Pure.
 */
import type { Item, Thread } from '../../ui/thread.ts';
import { isRevived, rankOf, stateOf, type State } from './delivery.ts';

/** A window opens `by` something that the customer does, for `count` messages (0: any number) and so many seconds. */
export interface Window {
  readonly by: string;
  readonly count: number;
  readonly seconds: number;
  readonly template_after: boolean;
  /** Setting that an account must have on for it; empty: none. */
  readonly setting?: string;
}

/** Windows of an inbox: its own where its settings decide them, else those that its channel has for every account. */
export const windowsOf = (own: readonly Window[] | undefined, channel: readonly Window[] | undefined): readonly Window[] =>
  own ?? (channel ?? []).filter((one) => !one.setting);

export interface Room {
  readonly isOpen: boolean;
  /** Messages left, -1 without bound, and of how many. */
  readonly left: number;
  readonly of: number;
  readonly untilMs: number;
  /** Why nothing may be sent: `time`, `count`, `never` or `platform`. */
  readonly reason: string;
  /** Of `platform`: the key of its own reason. */
  readonly said: string;
  /** Whether a template may be sent all the same. */
  readonly template: boolean;
  /** Time of expiry, UTC ms; 0 if it closed otherwise. */
  readonly closedMs: number;
}

type Step =
  | { readonly seq: number; readonly is: 'opened'; readonly by: string; readonly at: number }
  | { readonly seq: number; readonly is: 'sent' }
  | { readonly seq: number; readonly is: 'shut'; readonly said: string };

/** The window now; null if too few events are loaded to decide. */
export function roomOf(windows: readonly Window[], thread: Thread, nowMs: number): Room | null {
  const template = windows.some((one) => one.template_after);
  if (windows.length === 0) return { ...CLOSED, isOpen: true, reason: '' };
  const steps = thread.items.flatMap(stepsOf).sort((a, b) => a.seq - b.seq);
  if (!thread.complete && !steps.some((step) => step.is === 'opened')) return null;
  const opened = new Map<string, { at: number; sent: number }>();
  let shut: string | null = null;
  for (const step of steps) {
    if (step.is === 'shut') shut = step.said;
    else if (step.is === 'sent') for (const one of opened.values()) one.sent += 1;
    else {
      opened.set(step.by, { at: step.at, sent: 0 });
      shut = null;
    }
  }
  if (shut !== null) return { ...CLOSED, reason: 'platform', said: shut, template };
  let best: Room | undefined;
  let closed = { ...CLOSED, template };
  for (const one of windows) {
    const since = opened.get(one.by);
    if (since === undefined) continue;
    const untilMs = since.at + Math.round(one.seconds * 1000);
    const left = one.count === 0 ? -1 : Math.max(0, one.count - since.sent);
    if (nowMs >= untilMs) closed = closed.reason === 'never' ? { ...closed, reason: 'time', closedMs: untilMs } : closed;
    else if (left === 0) closed = { ...closed, reason: 'count', closedMs: 0 };
    else if (best === undefined || untilMs > best.untilMs) best = { ...CLOSED, isOpen: true, left, of: one.count, untilMs, reason: '' };
  }
  return best ?? closed;
}

const CLOSED: Room = { isOpen: false, left: -1, of: 0, untilMs: 0, reason: 'never', said: '', template: false, closedMs: 0 };

function stepsOf(item: Item): Step[] {
  if (item.is === 'fact') {
    const { event } = item;
    if (event.type !== 'message.added' || !event.provider || event.by.kind !== 'visitor') return [];
    return [{ seq: item.seq, is: 'opened', by: event.text ?? '', at: event.provider.at || event.at }];
  }
  if (item.note) return [];
  const steps: Step[] = [];
  if (item.providerAt !== null) {
    if (item.by.kind === 'visitor') steps.push({ seq: item.seq, is: 'opened', by: 'message', at: item.providerAt || item.at });
    else steps.push({ seq: item.seq, is: 'sent' });
  }
  const states = new Map<number, State>();
  for (const one of item.deliveries) {
    const part = one.event.part ?? 0;
    const state = stateOf(one);
    const before = states.get(part);
    if (state === 'again') {
      if (isRevived(before, state)) states.set(part, state);
      continue;
    }
    if (!rankOf(before ?? 'held') && rankOf(state) > 0 && state !== 'failed') steps.push({ seq: one.seq, is: 'sent' });
    const { error } = one.event;
    if (error?.code === 'channel.window_platform') steps.push({ seq: one.seq, is: 'shut', said: error.text ?? '' });
    if (before === undefined || rankOf(state) > rankOf(before)) states.set(part, state);
  }
  return steps;
}
