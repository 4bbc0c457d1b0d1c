/**
 * Whether who wrote a message may change or withdraw it now: `backbone/changes.py` decides it so, and the cases of
 * `tests/cases/changes.json` hold both to the same. Pure; the node decides in the end.
 */
import type { Message } from '../../ui/thread.ts';
import { isProvider, type Changes } from './known.ts';

export type Change = 'edit' | 'recall';

export interface Leave {
  /** Code of what refuses it; empty: nothing does. */
  readonly code: string;
  /** Time left, and of how much; 0: without bound. */
  readonly leftMs: number;
  readonly withinMs: number;
}

type Said = Pick<Message, 'by' | 'at' | 'note' | 'providerAt' | 'recalled' | 'isTemplate'>;

/** `allows` is undefined for a channel that isn't known: nothing can be promised then. */
export function leaveTo(change: Change, said: Said, me: string, channel: string, allows: Changes | undefined, nowMs: number): Leave {
  const isAlways = said.note || !isProvider(channel);
  const can = isAlways || (change === 'edit' ? allows?.edits : allows?.recalls) === true;
  const withinMs = isAlways ? 0 : ((change === 'edit' ? allows?.edit_s : allows?.recall_s) ?? 0) * 1000;
  const leftMs = withinMs === 0 ? 0 : Math.max(0, said.at + withinMs - nowMs);
  const code = (): string => {
    if (said.by.kind !== 'agent' || said.by.id !== me) return 'message.not_yours';
    if (said.providerAt !== null) return 'message.elsewhere';
    if (said.recalled) return 'message.withdrawn';
    if (change === 'edit' && said.isTemplate) return 'message.fixed';
    if (!can) return 'message.channel_keeps';
    return withinMs > 0 && nowMs - said.at > withinMs ? 'message.too_late' : '';
  };
  return { code: code(), leftMs, withinMs };
}
