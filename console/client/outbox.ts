/**
 * Unsent messages, as pure functions over a list in order of writing. One message of a conversation is on its way
 * at a time, so that order holds; the same id goes out again until `ok`; a refused one blocks nothing behind it.
 */
import type { Attachment, Err, MessageKind, Send } from './types.ts';

/**
 * `waiting`: to be sent. `sending`: on its way. `stored`: acknowledged, its event not seen yet. `failed`: refused.
 */
export type EntryState = 'waiting' | 'sending' | 'stored' | 'failed';

export interface Entry {
  readonly id: string;
  /** Null: opens a conversation, or joins the one that a message before it opens. */
  readonly conv: string | null;
  readonly to?: { readonly inbox: string; readonly contact: string };
  readonly kind: MessageKind;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly replyTo: string;
  /** Where an agent chose to answer instead of the customer's own address. */
  readonly answerTo?: string;
  readonly note: boolean;
  /** When it was written here, UTC ms: shown until the node's own time is known. */
  readonly at: number;
  /** The tab that wrote it; another adopts it only when that tab is gone. */
  readonly tab: string;
  readonly state: EntryState;
  readonly seq: number;
  /** It may have reached the node before: look at the replay first. */
  readonly tried: boolean;
  readonly refusals: number;
  readonly notBefore: number;
  /** So often a connection was closed over a frame (4400, 4413, 4500) while it was on its way. */
  readonly faults?: number;
  /** Why it failed, or why it still waits. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** What a message that was just written begins with. */
export const BLANK = {
  kind: 'text',
  attachments: [],
  replyTo: '',
  note: false,
  state: 'waiting',
  seq: 0,
  tried: false,
  refusals: 0,
  notBefore: 0,
} as const;

/** So often a message follows its conversation, which has ended, to another one. */
export const REFUSALS_MAX = 6;

/** A frame that closes the connection so often, the last times alone on its way, is at fault. */
export const FAULTS_MAX = 3;

/** A message that waits for the node or the log is tried again after this at most. */
export const AGAIN_MS_MAX = 10_000;

/** Refused for the state of the node or of the log, and not for its content: nobody needs to write it anew. */
export const isPassing = (error: Err): boolean =>
  !!error.retry_after_ms || /^limit\.|^log\.(?!too_)|\.(busy|unavailable)$/.test(error.code);

/** Messages wait for those before them in the same conversation, or for the same person. */
const lane = (entry: Entry): string => entry.conv ?? `new:${entry.to?.contact ?? ''}`;

/** What may be sent now. `synced` says whether a conversation's replay of this connection is complete. */
export function due(entries: readonly Entry[], synced: (conv: string) => boolean, nowMs: number): Entry[] {
  const busy = new Set<string>();
  const ready: Entry[] = [];
  for (const entry of entries) {
    if (entry.state === 'failed' || entry.state === 'stored') continue;
    const key = lane(entry);
    if (busy.has(key)) continue;
    busy.add(key);
    if (entry.state === 'sending' || entry.notBefore > nowMs) continue;
    if (entry.tried && entry.conv !== null && !synced(entry.conv)) continue;
    ready.push(entry);
  }
  // One that a connection was closed over goes alone, so that the next close tells which one is bad.
  const flying = entries.filter((entry) => entry.state === 'sending');
  const suspect = [...flying, ...ready].find((entry) => entry.faults);
  return suspect === undefined ? ready : flying.length > 0 ? [] : [suspect];
}

/** Conversations whose replay must be seen before their messages go out again. */
export function unproved(entries: readonly Entry[]): string[] {
  return [...new Set(entries.flatMap((e) => (e.state === 'waiting' && e.tried && e.conv !== null ? [e.conv] : [])))];
}

export const change = (entries: readonly Entry[], id: string, to: Partial<Entry>): Entry[] =>
  entries.map((entry) => (entry.id === id ? { ...entry, ...to } : entry));

/** The connection is gone: what was on its way may or may not have arrived. */
export const disconnected = (entries: readonly Entry[]): Entry[] =>
  entries.map((entry) => (entry.state === 'sending' ? { ...entry, state: 'waiting', tried: true } : entry));

/** The node closed the connection over a frame: it was one of those on their way. */
export const faulted = (entries: readonly Entry[], error: Entry['error'] & object): Entry[] =>
  entries.map((entry) => {
    const faults = (entry.faults ?? 0) + 1;
    if (entry.state !== 'sending') return entry;
    return faults < FAULTS_MAX ? { ...entry, faults } : { ...entry, faults: 0, state: 'failed', error };
  });

/** `ok`: stored. Those that waited for a conversation to be opened now know which. */
export function stored(entries: readonly Entry[], id: string, conv: string, seq: number): Entry[] {
  const opened = entries.find((entry) => entry.id === id);
  return entries.map((entry) => {
    if (entry.id === id) return { ...entry, state: 'stored', conv, seq, faults: 0 };
    const sameLane = opened !== undefined && entry.conv === null && lane(entry) === lane(opened);
    return sameLane ? { ...entry, conv } : entry;
  });
}

/**
 * `err`: what is refused for its content failed, and the person decides. What can't be stored now waits, however long:
 * the older it is, the rarer the tries.
 */
export function refused(entries: readonly Entry[], error: Err, nowMs: number): Entry[] {
  return entries.map((entry) => {
    if (entry.id !== error.id) return entry;
    const { code, message } = error;
    const known = { ...entry, faults: 0, tried: true, error: { code, message } };
    if (isPassing(error)) {
      const againMs = Math.min(AGAIN_MS_MAX, (nowMs - entry.at) / 4);
      return { ...known, state: 'waiting', notBefore: nowMs + Math.max(error.retry_after_ms || 500, againMs) };
    }
    const refusals = entry.refusals + 1;
    const isOver = code === 'conversation.closed' && entry.to === undefined && entry.conv !== null && !entry.note;
    return isOver && refusals < REFUSALS_MAX ? { ...known, state: 'waiting', conv: null, refusals } : { ...known, state: 'failed', refusals };
  });
}

/** The events of a conversation arrived: what they show needs no place here any more. */
export const seen = (entries: readonly Entry[], ids: ReadonlySet<string>): Entry[] =>
  entries.filter((entry) => !ids.has(entry.id));

export const frameOf = (entry: Entry): Send => ({
  t: 'send',
  id: entry.id,
  conv: entry.conv,
  to: entry.conv === null && entry.to ? entry.to : null,
  kind: entry.kind,
  text: entry.text,
  attachments: entry.attachments.map((one) => one.file),
  reply_to: entry.replyTo,
  note: entry.note,
  answer_to: entry.answerTo as string,
});
