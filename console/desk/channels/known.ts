/** What channels allow and what inboxes are called: fetched when the desk opens, again when an admin changes them. */
import { call } from '../../ui/rest.ts';
import type { Carries } from './plan.ts';
import type { Window } from './window.ts';

export interface Channel extends Carries {
  readonly name: string;
  readonly windows: readonly Window[];
  readonly receipts: readonly string[];
  /** Whether it tells which templates may be sent. */
  readonly templates: boolean;
  /** Reasons in words, in English, by key. */
  readonly phrases: Readonly<Record<string, string>>;
  /** Why it can't be used, empty if it can. */
  readonly problem: string;
}

export interface Inbox {
  readonly id: string;
  readonly channel: string;
  readonly name: string;
}

export interface Known {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly inboxes: Readonly<Record<string, Inbox>>;
}

/** Null where the node can't be asked now. */
export async function fetchKnown(): Promise<Known | null> {
  try {
    const [channels, inboxes] = await Promise.all([
      call<{ items: Channel[] }>('GET', 'channels'),
      call<{ items: Inbox[] }>('GET', 'inboxes'),
    ]);
    return {
      channels: Object.fromEntries(channels.items.map((one) => [one.name, one])),
      inboxes: Object.fromEntries(inboxes.items.map((one) => [one.id, one])),
    };
  } catch {
    return null;
  }
}

/** Whether a provider stands between: neither our own widget nor our own app. */
export const isProvider = (channel: string): boolean => channel !== 'web' && channel !== 'app' && channel !== '';
