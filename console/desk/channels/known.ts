/** REST shapes of channels (limits, windows, phrases) and inboxes (names), and fetching both. */
import { call } from '../../ui/rest.ts';
import type { Carries } from './plan.ts';
import type { Window } from './window.ts';

/** What a channel lets be done with a message that went out, for so many seconds (0: always). */
export interface Changes {
  readonly recalls: boolean;
  readonly edits: boolean;
  readonly recall_s: number;
  readonly edit_s: number;
}

export interface Channel extends Carries, Changes {
  readonly name: string;
  readonly windows: readonly Window[];
  readonly receipts: readonly string[];
  /** Whether its adapter lists approved templates. */
  readonly templates: boolean;
  /** Reasons in words, in English, by key. */
  readonly phrases: Readonly<Record<string, string>>;
  /** Why its plugin failed to load; empty if it didn't. */
  readonly problem: string;
}

export interface Inbox {
  readonly id: string;
  readonly channel: string;
  readonly name: string;
  /** Only where the account's settings decide them. */
  readonly windows?: readonly Window[];
}

export interface Known {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly inboxes: Readonly<Record<string, Inbox>>;
}

/** Null if the node doesn't answer. */
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

/** Whether messages go through a provider: not so for our own widget and apps. */
export const isProvider = (channel: string): boolean => channel !== 'web' && channel !== 'app' && channel !== '';
