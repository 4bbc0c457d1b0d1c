/** Slice: who types in which conversation. A signal is never stored, so each entry expires by itself. */
import { createStore } from 'solid-js/store';
import type { Signalled } from '../../client/index.ts';

export interface Typist {
  readonly name: string;
  readonly byKind: string;
  readonly by: string;
  /** UTC ms */
  readonly until: number;
}

/** The client repeats `typing` every 3 s, so two lost signals end it. */
export const TYPING_FOR_MS = 6_000;

/** The typist that a signal names; null: none any more; undefined: the signal says nothing of typing. Pure. */
export function typistOf(frame: Pick<Signalled, 'kind' | 'name' | 'by' | 'by_kind'>, now: number): Typist | null | undefined {
  if (frame.kind === 'stopped') return null;
  if (frame.kind !== 'typing') return undefined;
  return { name: frame.name ?? '', by: frame.by ?? '', byKind: frame.by_kind ?? 'visitor', until: now + TYPING_FOR_MS };
}

export interface TypingSlice {
  of(conv: string): Typist | undefined;
  signalled(frame: Pick<Signalled, 'conv' | 'kind' | 'name' | 'by' | 'by_kind'>): void;
  /** A message of this author arrived: they have stopped. */
  said(conv: string, by: string): void;
}

export function createTypists(): TypingSlice {
  const [typists, set] = createStore<Record<string, Typist>>({});
  const stopped = (conv: string): void => set(conv, undefined!);
  return {
    of: (conv) => typists[conv],
    signalled(frame) {
      const typist = typistOf(frame, Date.now());
      if (typist === undefined) return;
      if (typist === null) return stopped(frame.conv);
      set(frame.conv, typist);
      setTimeout(() => {
        // A repeated signal has moved the end on: its own timer will do it.
        if ((typists[frame.conv]?.until ?? 0) <= Date.now()) stopped(frame.conv);
      }, TYPING_FOR_MS + 50);
    },
    said(conv, by) {
      if (typists[conv]?.by === by) stopped(conv);
    },
  };
}
