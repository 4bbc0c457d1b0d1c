/** What the desk knows, fed by the protocol client alone; the rest of the desk reads it and asks it to act. */
import { batch, createContext, createSignal, useContext, type Accessor, type Signal } from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import {
  createClient, openCache, openTabs, type Actor, type Cache, type Client, type Counts, type Entry, type Event, type Head, type Limits, type Link, type Listener, type Ok, type Tabs, type Welcome,
} from '../../client/index.ts';
import { call } from '../../ui/rest.ts';
import { append, EMPTY, prepend, type Thread } from '../../ui/thread.ts';
import { go, inboxHref, route, VIEWS, type View } from './route.ts';
import { dropSession, endSession, type Identity } from './session.ts';
import { locale } from '../words/texts.ts';
import { toast } from './toast.ts';
import { forgetDrafts, loadDrafts } from './drafts.ts';
import { fetchKnown, NOTHING, type Channel, type Known as KnownChannels } from '../channels/known.ts';
import { applyHeads, NO_ROWS, type ViewRows } from './views.ts';

export type AgentState = 'online' | 'busy' | 'away' | 'offline';

export interface Colleague {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly state: AgentState;
  readonly present: boolean;
  readonly open: number;
  readonly capacity: number;
}

interface Typing {
  readonly name: string;
  readonly byKind: string;
  readonly by: string;
  readonly until: number;
}

interface Known {
  link: Link;
  limits: Limits | null;
  state: AgentState;
  capacity: number;
  heads: Record<string, Head>;
  views: Record<View, ViewRows>;
  counts: Required<Counts>;
  entries: Entry[];
  typing: Record<string, Typing>;
  colleagues: Colleague[];
  channels: KnownChannels;
  /** Conversations whose newest events are all here. */
  synced: Record<string, boolean>;
  /** How far this person has read here, before the log says so. */
  readUpTo: Record<string, number>;
}

const TYPING_FOR_MS = 6_000;
const INBOXES_AGAIN_MS = 10_000;
/** Conversations followed at once: the open one, and those looked at or pointed at last. */
const FOLLOWED_MAX = 60;

export interface Desk {
  readonly who: Identity;
  readonly me: Actor;
  readonly known: Known;
  readonly cache: Cache;
  readonly client: Client;
  thread(conv: string): Accessor<Thread>;
  watch(view: View): void;
  /** Follows a conversation from now on; the one looked at longest ago makes room. */
  open(conv: string): void;
  older(conv: string): void;
  read(conv: string, seq: number): void;
  choose(state: AgentState): Promise<void>;
  nameOf(agent: string): string;
  refreshColleagues(): Promise<void>;
  channelOf(name: string): Channel | undefined;
  inboxName(inbox: string): string;
  /** Whether the node told. */
  refreshChannels(): Promise<boolean>;
  /** Whether a conversation's inbox is no longer among those that the node told of. */
  isRemoved(inbox: string): boolean;
  act(conv: string, what: 'take' | 'resolve' | 'reopen' | 'release'): Promise<Ok>;
  assign(conv: string, agent: string): Promise<Ok>;
  signOut(): Promise<void>;
  dispose(): void;
}

const Context = createContext<Desk>();
export const DeskProvider = Context.Provider;

export function useDesk(): Desk {
  const desk = useContext(Context);
  if (desk === undefined) throw new Error('no desk around this component');
  return desk;
}

export async function createDesk(who: Identity): Promise<Desk> {
  const name = `${who.tenant.id}.${who.agent.id}`;
  const cache = await openCache(name);
  const tabs: Tabs = openTabs(name);
  const me: Actor = { kind: 'agent', id: who.agent.id, name: who.agent.name };
  const threads = new Map<string, Signal<Thread>>();
  const asked = new Set<string>();
  const recent = new Set<string>();
  let watched: View = 'mine';
  let leaving = false;
  let channelsAsked = 0;

  const [known, set] = createStore<Known>({
    link: { name: 'idle', tries: 0 },
    limits: null,
    state: 'offline',
    capacity: 0,
    heads: {},
    views: { mine: NO_ROWS, queue: NO_ROWS, all: NO_ROWS },
    counts: { mine: 0, queue: 0, all: 0 },
    entries: [],
    typing: {},
    colleagues: [],
    channels: NOTHING,
    synced: {},
    readUpTo: {},
  });

  const threadOf = (conv: string): Signal<Thread> => {
    const there = threads.get(conv) ?? createSignal<Thread>(EMPTY);
    threads.set(conv, there);
    return there;
  };

  const isStranger = (event: Event): boolean =>
    (event.type === 'conversation.assigned' || event.type === 'conversation.released') &&
    event.agent !== me.id &&
    !known.colleagues.some((one) => one.id === event.agent);

  const welcomed = (frame: Welcome): void => {
    set({
      limits: frame.limits,
      state: (frame.me.state || 'offline') as AgentState,
      capacity: frame.me.capacity ?? 0,
    });
    client.say({ t: 'watch', view: watched, limit: 500 });
    void refreshColleagues();
    if (channelsAsked === 0) void refreshChannels();
  };

  const listener: Listener = {
    link(link) {
      batch(() => {
        set('link', reconcile(link));
        if (link.name !== 'live') set('synced', reconcile({}));
      });
      if (link.name !== 'live') asked.clear();
      if (link.name !== 'stopped' || leaving) return;
      if (link.reason === 'signin') void leave('expired');
      if (link.reason === 'elsewhere') void leave('elsewhere');
    },
    welcome: welcomed,
    events(conv, events, how) {
      batch(() => {
        const [, setThread] = threadOf(conv);
        if (how.forget || events.length > 0) setThread((thread) => append(how.forget ? EMPTY : thread, events));
        if (known.synced[conv] !== how.synced) set('synced', conv, how.synced);
        // A colleague made since the list was fetched: their name is wanted, not their id.
        if (how.synced && events.some(([, , event]) => isStranger(event))) void refreshColleagues();
        const last = events.at(-1)?.[2];
        if (last?.type === 'message.added' && known.typing[conv]?.by === last.by.id) set('typing', conv, undefined!);
      });
    },
    history(conv, events, more) {
      asked.delete(conv);
      threadOf(conv)[1]((thread) => prepend(thread, events, more));
    },
    heads(frame) {
      const view = VIEWS.find((one) => one === frame.view);
      if (view === undefined) return;
      batch(() => {
        for (const row of frame.rows) set('heads', row.conv, reconcile(row));
        set('views', view, applyHeads(view, known.views[view], frame, (conv) => known.heads[conv]));
        set('counts', { mine: 0, queue: 0, all: 0, ...frame.counts });
        // An inbox connected since the desk was opened.
        const isNew = frame.rows.some((row) => row.inbox && known.channels.inboxes[row.inbox] === undefined);
        if (isNew && Date.now() - channelsAsked > INBOXES_AGAIN_MS) void refreshChannels();
      });
    },
    signal(frame) {
      if (frame.by === me.id) return;
      if (frame.kind === 'stopped') set('typing', frame.conv, undefined!);
      if (frame.kind !== 'typing') return;
      const until = Date.now() + TYPING_FOR_MS;
      set('typing', frame.conv, { name: frame.name ?? '', by: frame.by ?? '', byKind: frame.by_kind ?? 'visitor', until });
      setTimeout(() => {
        if ((known.typing[frame.conv]?.until ?? 0) <= Date.now()) set('typing', frame.conv, undefined!);
      }, TYPING_FOR_MS + 50);
    },
    outbox: (entries) => set('entries', reconcile([...entries], { key: 'id' })),
    opened: () => undefined, // the lists tell
    notice: (frame) => toast({ code: frame.code, text: frame.message }),
    refused: (frame) => toast({ code: frame.code, text: frame.message }),
  };

  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
    cache,
    tabs,
    hello: () => ({
      t: 'hello',
      client: 'trunkline-desk',
      version: 1,
      locale: locale(),
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }),
    listener,
  });

  const refreshColleagues = async (): Promise<void> => {
    const page = await call<{ items: Colleague[] }>('GET', 'agents').catch(() => null);
    if (page !== null) set('colleagues', reconcile(page.items, { key: 'id' }));
  };

  const refreshChannels = async (): Promise<boolean> => {
    channelsAsked = Date.now();
    const now = await fetchKnown();
    if (now !== null) set('channels', reconcile(now));
    else channelsAsked = 0;
    return now !== null;
  };

  const dispose = (): void => {
    leaving = true;
    client.stop();
  };

  const leave = async (because: '' | 'expired' | 'elsewhere'): Promise<void> => {
    leaving = true;
    client.stop();
    if (because === 'expired') return dropSession('expired'); // what is unsent waits for the same person
    forgetDrafts();
    await cache.wipe();
    if (because === '') await endSession();
    else dropSession(because);
    return undefined;
  };

  tabs.onTold((message) => {
    if (message === 'signed out' && !leaving) void leave('elsewhere');
  });
  await loadDrafts(cache);
  await client.start();

  return {
    who,
    me,
    known,
    cache,
    client,
    thread: (conv) => threadOf(conv)[0],
    watch(view) {
      if (view === watched && known.views[view].isLoaded) return;
      watched = view;
      client.say({ t: 'watch', view, limit: 500 });
    },
    open(conv) {
      const isFollowed = recent.delete(conv);
      recent.add(conv);
      if (isFollowed) return;
      client.follow(conv);
      const at = route();
      const shown = at.page === 'inbox' ? at.conv : '';
      const oldest = recent.size > FOLLOWED_MAX ? [...recent].find((one) => one !== shown && one !== conv) : undefined;
      if (oldest === undefined) return;
      recent.delete(oldest);
      client.unfollow(oldest);
      set('synced', oldest, false);
    },
    older(conv) {
      const thread = threadOf(conv)[0]();
      const first = thread.items[0];
      if (thread.complete || first === undefined || asked.has(conv)) return;
      if (client.history(conv, first.seq)) asked.add(conv);
    },
    read(conv, seq) {
      if ((known.readUpTo[conv] ?? 0) >= seq) return;
      if (client.say({ t: 'mark', conv, read: seq, delivered: seq })) set('readUpTo', conv, seq);
    },
    async choose(state) {
      await client.ask({ t: 'presence', state });
      set('state', state);
    },
    nameOf: (agent) =>
      agent === me.id ? who.agent.name : (known.colleagues.find((one) => one.id === agent)?.name ?? agent),
    refreshColleagues,
    channelOf: (name) => known.channels.channels[name],
    inboxName: (inbox) => known.channels.inboxes[inbox]?.name ?? inbox,
    refreshChannels,
    isRemoved: (inbox) => inbox !== '' && Object.keys(known.channels.inboxes).length > 0 && known.channels.inboxes[inbox] === undefined,
    act: (conv, what) => client.ask({ t: 'act', conv, do: what, expect: known.heads[conv]?.seq ?? 0 }),
    assign: (conv, agent) =>
      client.ask({ t: 'act', conv, do: 'assign', args: { agent }, expect: known.heads[conv]?.seq ?? 0 }),
    async signOut() {
      tabs.tell('signed out');
      await leave('');
      go(inboxHref('mine'));
    },
    dispose,
  };
}
