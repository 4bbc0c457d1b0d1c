/**
 * What a client knows of one conversation, as a pure function: apply, drop, hold, ask again.
 * Nothing here knows what an event is.
 */
import type { Position } from './types.ts';

/** More events than this are not held: the replay that was asked for brings them again. */
export const HELD_MAX = 500;

interface Held<E> {
  readonly prev: number;
  readonly seq: number;
  /** Absent for `skip`: only the watermark moves. */
  readonly event?: E;
}

/** The end of a conversation as far as it is known: watermark, early arrivals, whether a replay is under way. */
export interface Tail<E> {
  readonly mark: Position | null;
  readonly held: readonly Held<E>[];
  readonly asking: boolean;
}

export type Arrival<E> =
  | { readonly t: 'ev'; readonly seq: number; readonly prev: number; readonly event: E }
  | { readonly t: 'skip'; readonly seq: number; readonly prev: number }
  | {
      readonly t: 'evs';
      readonly epoch: number;
      readonly events: readonly (readonly [seq: number, prev: number, event: E])[];
      readonly upto: number;
      readonly more?: boolean;
    }
  | { readonly t: 'resync'; readonly epoch: number };

/** `apply`: new events in order. `ask`: send `sub` with `tail.mark`. `forget`: drop what was shown before. */
export interface Outcome<E> {
  readonly tail: Tail<E>;
  readonly apply: readonly (readonly [seq: number, prev: number, event: E])[];
  readonly ask: boolean;
  readonly forget: boolean;
}

/** A conversation that is being asked for from `mark` (null: its newest events). */
export function asked<E>(mark: Position | null): Tail<E> {
  return { mark, held: [], asking: true };
}

/** Takes one frame of the conversation in. */
export function receive<E>(tail: Tail<E>, arrival: Arrival<E>): Outcome<E> {
  switch (arrival.t) {
    case 'ev':
    case 'skip':
      return receiveOne(tail, arrival);
    case 'evs': {
      const known = tail.mark?.[0] === arrival.epoch ? tail.mark[1] : 0;
      const apply = arrival.events.filter(([seq]) => seq > known);
      const mark: Position = [arrival.epoch, Math.max(known, arrival.upto)];
      const next = release({ mark, held: tail.held, asking: false }, [...apply]);
      const ask = arrival.more === true || next.tail.held.length > 0;
      return { ...next, tail: { ...next.tail, asking: ask }, ask };
    }
    case 'resync':
      return { tail: { mark: null, held: [], asking: true }, apply: [], ask: true, forget: true };
  }
}

function receiveOne<E>(tail: Tail<E>, arrival: Held<E>): Outcome<E> {
  const nothing = { apply: [], ask: false, forget: false };
  if (tail.mark !== null && arrival.seq <= tail.mark[1]) return { ...nothing, tail };
  if (tail.held.some((held) => held.seq === arrival.seq)) return { ...nothing, tail };
  const full = tail.held.length >= HELD_MAX;
  const held = full ? [] : [...tail.held, arrival];
  const next = release({ ...tail, held }, []);
  const ask = next.tail.mark !== null && !tail.asking && (full || next.tail.held.length > 0);
  return { ...next, tail: { ...next.tail, asking: tail.asking || ask }, ask };
}

/** Applies what was held and now follows the watermark; forgets what lies at or below it. */
function release<E>(tail: Tail<E>, apply: (readonly [number, number, E])[]): Outcome<E> {
  if (tail.mark === null) return { tail, apply, ask: false, forget: false };
  const [epoch] = tail.mark;
  let seq = tail.mark[1];
  const waiting: Held<E>[] = [];
  for (const held of [...tail.held].sort((a, b) => a.seq - b.seq)) {
    if (held.seq <= seq) continue;
    // A merged `skip` may begin below the watermark: all it spans is hidden, so it only has to reach beyond it.
    if (held.prev > seq) {
      waiting.push(held);
      continue;
    }
    if ('event' in held) apply.push([held.seq, held.prev, held.event as E]);
    seq = held.seq;
  }
  return { tail: { ...tail, mark: [epoch, seq], held: waiting }, apply, ask: false, forget: false };
}
