/** Drafts of this device, one a conversation and kind; also what the list shows of them. */
import { createStore } from 'solid-js/store';
import type { Cache } from '../../client/index.ts';

export interface DraftText {
  readonly conv: string;
  readonly reply: string;
  readonly note: string;
  /** Id of the message that is answered; empty: none. */
  readonly answers: string;
}

const [drafts, set] = createStore<Record<string, DraftText>>({});

export const draftFor = (conv: string): DraftText => drafts[conv] ?? { conv, reply: '', note: '', answers: '' };

/** The beginning of an unsent reply, for the list. */
export const draftOf = (conv: string): string => drafts[conv]?.reply.slice(0, 80) ?? '';

export async function loadDrafts(cache: Cache): Promise<void> {
  for (const draft of await cache.all<DraftText>('drafts')) set(draft.conv, draft);
}

export function keepDraft(cache: Cache, draft: DraftText): void {
  set(draft.conv, draft);
  const isEmpty = draft.reply === '' && draft.note === '' && draft.answers === '';
  void (isEmpty ? cache.remove('drafts', draft.conv) : cache.put('drafts', draft.conv, draft));
}

/** The next message of this conversation answers the one of this id; empty: none. */
export const answer = (cache: Cache, conv: string, id: string): void => keepDraft(cache, { ...draftFor(conv), answers: id });

/** At sign-out: the next person at this screen must not see them. */
export function forgetDrafts(): void {
  for (const conv of Object.keys(drafts)) set(conv, undefined!);
}
