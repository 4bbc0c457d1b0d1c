/** Slice: unsent texts, one a conversation and kind, kept in this device's cache; the list shows how a reply begins. */
import { createStore } from 'solid-js/store';
import type { Cache } from '../../../client/index.ts';

export interface Draft {
  readonly conv: string;
  readonly reply: string;
  readonly note: string;
  /** Id of the message that is answered; empty: none. */
  readonly answers: string;
}

export const blank = (conv: string): Draft => ({ conv, reply: '', note: '', answers: '' });

/** A draft that holds nothing is removed from the cache. Pure. */
export const isBlank = ({ reply, note, answers }: Draft): boolean => reply === '' && note === '' && answers === '';

const BEGINNING = 80;

export interface DraftsSlice {
  of(conv: string): Draft;
  /** The first 80 characters of an unsent reply. */
  beginning(conv: string): string;
  keep(conv: string, change: Partial<Omit<Draft, 'conv'>>): void;
  load(): Promise<void>;
  /** At sign-out: the next person at this screen must not see them. */
  forget(): void;
}

/** `cache` belongs to one tenant and agent, so do the drafts. */
export function createDrafts(cache: Cache): DraftsSlice {
  const [drafts, set] = createStore<Record<string, Draft>>({});
  const of = (conv: string): Draft => drafts[conv] ?? blank(conv);
  return {
    of,
    beginning: (conv) => drafts[conv]?.reply.slice(0, BEGINNING) ?? '',
    keep(conv, change) {
      const draft = { ...of(conv), ...change };
      set(conv, draft);
      void (isBlank(draft) ? cache.remove('drafts', conv) : cache.put('drafts', conv, draft));
    },
    async load() {
      for (const draft of await cache.all<Draft>('drafts')) set(draft.conv, draft);
    },
    forget() {
      for (const conv of Object.keys(drafts)) set(conv, undefined!);
    },
  };
}
