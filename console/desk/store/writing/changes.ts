/** Slice: messages of one's own that are being changed or withdrawn: what is written anew, what was asked, what was refused. */
import { createStore } from 'solid-js/store';
import type { Client, Err } from '../../../client/index.ts';

export interface Editing {
  readonly target: string;
  readonly text: string;
  /** The text as it is now: sending the same changes nothing. */
  readonly before: string;
}

/** What was asked for a message: on its way, or refused by the node. */
export interface Asked {
  readonly is: 'edit' | 'recall';
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface ChangesSlice {
  /** What is written anew in a conversation; undefined: nothing. */
  editing(conv: string): Editing | undefined;
  begin(conv: string, target: string, text: string): void;
  write(conv: string, text: string): void;
  leave(conv: string): void;
  /** Ends the writing and asks for it; what is refused is written on, unless another message is by then. */
  save(conv: string): Promise<void>;
  recall(conv: string, target: string): Promise<void>;
  asked(target: string): Asked | undefined;
  /** A refusal was read. */
  dismiss(target: string): void;
  /** Message that somebody is asked about before it is withdrawn; undefined: none. */
  doubted(conv: string): string | undefined;
  doubt(conv: string, target: string | undefined): void;
}

/** In memory alone: unlike a draft, a change that was never asked for leaves what was said as it is. */
export function createChanges(wire: Pick<Client, 'ask'>): ChangesSlice {
  const [state, set] = createStore<{
    editing: Record<string, Editing | undefined>;
    asked: Record<string, Asked | undefined>;
    doubted: Record<string, string | undefined>;
  }>({ editing: {}, asked: {}, doubted: {} });
  const ask = async (target: string, is: Asked['is'], frame: Parameters<Client['ask']>[0]): Promise<boolean> => {
    set('asked', target, { is, error: null });
    try {
      await wire.ask(frame);
      set('asked', target, undefined);
      return true;
    } catch (error) {
      const { code = 'unknown', message = '' } = error as Partial<Err>;
      set('asked', target, { is, error: { code, message } });
      return false;
    }
  };
  return {
    editing: (conv) => state.editing[conv],
    begin(conv, target, text) {
      set('asked', target, undefined);
      set('editing', conv, { target, text, before: text });
    },
    write: (conv, text) => set('editing', conv, (now) => now && { ...now, text }),
    leave: (conv) => set('editing', conv, undefined),
    async save(conv) {
      const now = state.editing[conv];
      if (now === undefined) return;
      const kept = { ...now };
      set('editing', conv, undefined);
      const isDone = await ask(kept.target, 'edit', { t: 'edit', conv, target: kept.target, text: kept.text.trim() });
      if (!isDone && state.editing[conv] === undefined) set('editing', conv, kept);
    },
    async recall(conv, target) {
      if (state.editing[conv]?.target === target) set('editing', conv, undefined);
      await ask(target, 'recall', { t: 'recall', conv, target });
    },
    asked: (target) => state.asked[target],
    dismiss: (target) => set('asked', target, undefined),
    doubted: (conv) => state.doubted[conv],
    doubt: (conv, target) => set('doubted', conv, target),
  };
}
