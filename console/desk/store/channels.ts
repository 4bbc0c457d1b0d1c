/** Slice: what channels allow and what inboxes are called. Fetched at the first `welcome`, again when something new shows. */
import { createStore, reconcile } from 'solid-js/store';
import type { Head } from '../../client/index.ts';
import { fetchKnown, type Channel, type Known } from '../channels/known.ts';
import { windowsOf, type Window } from '../channels/window.ts';

/** Rate limit of fetching for an inbox that isn't known: a row of one that was removed would ask with every frame. */
const AGAIN_MS = 10_000;

/** An inbox's name; its id while the list isn't here, or without it. Pure. */
export const inboxNameIn = ({ inboxes }: Known, inbox: string): string => inboxes[inbox]?.name ?? inbox;

/** Whether a conversation's inbox is gone from the list; false as long as there is no list. Pure. */
export const isRemovedFrom = ({ inboxes }: Known, inbox: string): boolean =>
  inbox !== '' && Object.keys(inboxes).length > 0 && inboxes[inbox] === undefined;

/** Whether a row names an inbox that was connected since the list was fetched. Pure. */
export const namesNewInbox = ({ inboxes }: Known, rows: readonly Pick<Head, 'inbox'>[]): boolean =>
  rows.some(({ inbox }) => inbox !== undefined && inbox !== '' && inboxes[inbox] === undefined);

export interface ChannelsSlice {
  readonly known: Known;
  of(channel: string): Channel | undefined;
  /** When customers of an inbox may be written to. */
  windowsOf(channel: string, inbox: string): readonly Window[];
  inboxName(inbox: string): string;
  isRemoved(inbox: string): boolean;
  /** True if the node answered; what was known stays if not. */
  refresh(): Promise<boolean>;
  /** Fetches once a page: a fetch that failed is tried at the next `welcome`. */
  welcomed(): void;
  /** Fetches for rows of an inbox that isn't known, at most every 10 s. */
  saw(rows: readonly Pick<Head, 'inbox'>[]): void;
}

/** `fetch` answers null where the node can't be asked now. */
export function createChannels(fetch: () => Promise<Known | null> = fetchKnown): ChannelsSlice {
  const [known, set] = createStore<Known>({ channels: {}, inboxes: {} });
  let askedAt = 0;
  const refresh = async (): Promise<boolean> => {
    askedAt = Date.now();
    const now = await fetch();
    if (now === null) askedAt = 0;
    else set(reconcile(now));
    return now !== null;
  };
  return {
    known,
    of: (channel) => known.channels[channel],
    windowsOf: (channel, inbox) => windowsOf(known.inboxes[inbox]?.windows, known.channels[channel]?.windows),
    inboxName: (inbox) => inboxNameIn(known, inbox),
    isRemoved: (inbox) => isRemovedFrom(known, inbox),
    refresh,
    welcomed() {
      if (askedAt === 0) void refresh();
    },
    saw(rows) {
      if (namesNewInbox(known, rows) && Date.now() - askedAt > AGAIN_MS) void refresh();
    },
  };
}
