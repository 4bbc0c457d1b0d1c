/** The store: the protocol client feeds the slices, the rest of the desk reads them and asks the store to act. */
import { batch, createContext, useContext } from 'solid-js';
import { createStore } from 'solid-js/store';
import { createClient, openCache, openTabs, type Actor, type Client, type Listener, type Ok, type Tabs } from '../../client/index.ts';
import { locale } from '../words/texts.ts';
import { createChanges, type ChangesSlice } from './writing/changes.ts';
import { createChannels, type ChannelsSlice } from './channels.ts';
import { createColleagues, type ColleaguesSlice } from './colleagues.ts';
import { createConnection, type Connection } from './connection.ts';
import { createDrafts, type DraftsSlice } from './writing/drafts.ts';
import { createPresence, type PresenceSlice } from './presence.ts';
import { inboxHref } from './address.ts';
import { go, route } from './route.ts';
import { dropSession, endSession, type Identity } from './session.ts';
import { createThreads, type ThreadsSlice } from './threads.ts';
import { toast } from './toast.ts';
import { createTypists, type TypingSlice } from './typing.ts';
import { createViews, type ViewsSlice } from './views.ts';

/** Rows of a view that the node sends. */
const ROWS_MAX = 500;

export interface Desk {
  readonly who: Identity;
  readonly me: Actor;
  readonly client: Client;
  readonly connection: Readonly<Connection>;
  readonly presence: PresenceSlice;
  readonly colleagues: ColleaguesSlice;
  readonly channels: ChannelsSlice;
  readonly views: ViewsSlice;
  readonly threads: ThreadsSlice;
  readonly typing: TypingSlice;
  readonly drafts: DraftsSlice;
  readonly changes: ChangesSlice;
  /** Rejects with the node's refusal: `expect` is the head that this desk knew. */
  act(conv: string, what: 'take' | 'resolve' | 'reopen' | 'release'): Promise<Ok>;
  assign(conv: string, agent: string): Promise<Ok>;
  /** The signed-in agent changed what they are called. */
  renamed(name: string): void;
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

export async function createDesk(identity: Identity): Promise<Desk> {
  const [who, setWho] = createStore(structuredClone(identity));
  const name = `${who.tenant.id}.${who.agent.id}`;
  const cache = await openCache(name);
  const tabs: Tabs = openTabs(name);
  const me: Actor = { kind: 'agent', id: who.agent.id, name: who.agent.name };
  let isLeaving = false;

  const connection = createConnection();
  const presence = createPresence((state) => client.ask({ t: 'presence', state }));
  const colleagues = createColleagues(who.agent);
  const channels = createChannels();
  const views = createViews((view) => client.say({ t: 'watch', view, limit: ROWS_MAX }));
  const typing = createTypists();
  const drafts = createDrafts(cache);

  const listener: Listener = {
    link(link) {
      batch(() => {
        connection.linked(link);
        if (link.name !== 'live') threads.disconnected();
      });
      if (link.name !== 'stopped' || isLeaving) return;
      if (link.reason === 'signin') void leave('expired');
      if (link.reason === 'elsewhere') void leave('elsewhere');
    },
    welcome(frame) {
      batch(() => {
        connection.limited(frame.limits);
        presence.welcomed(frame);
      });
      views.rewatch();
      void colleagues.refresh();
      channels.welcomed();
    },
    events(conv, events, how) {
      batch(() => {
        threads.arrived(conv, events, how);
        if (how.synced && events.some(([, , event]) => colleagues.isStrange(event))) void colleagues.refresh();
        const last = events.at(-1)?.[2];
        if (last?.type === 'message.added') typing.said(conv, last.by.id);
      });
    },
    history: (conv, events, more) => threads.arrivedOlder(conv, events, more),
    heads(frame) {
      batch(() => views.applied(frame));
      channels.saw(frame.rows);
    },
    signal(frame) {
      if (frame.by !== me.id) typing.signalled(frame);
    },
    outbox: (entries) => connection.queued(entries),
    opened: () => undefined, // the views tell
    notice: (frame) => toast({ code: frame.code, text: frame.message }),
    refused(frame) {
      // Nobody did anything: a mark or a signal that can't be stored now is nobody's business.
      if (frame.of === 'mark' || frame.of === 'signal') return;
      toast({ code: frame.code, text: frame.message });
    },
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
  const changes = createChanges(client);
  const threads = createThreads(client, () => {
    const at = route();
    return at.page === 'inbox' ? at.conv : '';
  });

  /** An expired session keeps cache and outbox for the same person; signing out wipes them. */
  const leave = async (because: '' | 'expired' | 'elsewhere'): Promise<void> => {
    isLeaving = true;
    client.stop();
    if (because === 'expired') return dropSession('expired');
    drafts.forget();
    await cache.wipe();
    if (because === '') await endSession();
    else dropSession(because);
    return undefined;
  };

  tabs.onTold((message) => {
    if (message === 'signed out' && !isLeaving) void leave('elsewhere');
  });
  await drafts.load();
  await client.start();

  const expect = (conv: string): number => views.heads[conv]?.seq ?? 0;
  return {
    who,
    me,
    client,
    connection: connection.state,
    presence,
    colleagues,
    channels,
    views,
    threads,
    typing,
    drafts,
    changes,
    act: (conv, what) => client.ask({ t: 'act', conv, do: what, expect: expect(conv) }),
    assign: (conv, agent) => client.ask({ t: 'act', conv, do: 'assign', args: { agent }, expect: expect(conv) }),
    renamed: (name) => setWho('agent', 'name', name),
    async signOut() {
      tabs.tell('signed out');
      await leave('');
      go(inboxHref('mine'));
    },
    dispose() {
      isLeaving = true;
      client.stop();
    },
  };
}
