/** What the visitor's window knows, fed by the protocol client: one person, their conversations, what is unsent. */
import { batch, createMemo, createRoot, createSignal, type Accessor } from 'solid-js';
import {
  createClient, openCache, openTabs, type Actor, type Cache, type Client, type Entry, type Limits, type Link, type Listener,
} from '../client/index.ts';
import type { VisitorOut as Minted } from '../api/rest.ts';
import { call, Problem } from '../ui/rest.ts';
import { kindOf } from '../ui/files.ts';
import { append, EMPTY, isPublic, prepend, type Thread } from '../ui/thread.ts';
import { deviceOf } from './device.ts';
import { keptOutside } from './kept.ts';
import type { Place } from './place.ts';
import { locale } from './texts.ts';

export interface Visitor {
  readonly me: Actor;
  readonly link: Accessor<Link>;
  readonly limits: Accessor<Limits | null>;
  /** Conversations shown, oldest first; the last is the one that is written to. */
  readonly threads: Accessor<readonly { readonly conv: string; readonly thread: Thread }[]>;
  readonly entries: Accessor<readonly Entry[]>;
  readonly typing: Accessor<string | null>;
  /** Who of the team wrote last; empty before anybody has. */
  readonly agentName: Accessor<string>;
  /** False if too much is unsent already. */
  send(text: string, attachments: Entry['attachments']): boolean;
  retry(id: string): void;
  discard(id: string): void;
  older(): void;
  mark(conv: string, seq: number, isRead: boolean): void;
  tellTyping(isTyping: boolean): void;
}

const TYPING_FOR_MS = 6_000;
const LAST = 'last';

/** A token for this inbox: the old one renewed, or a new person. Raises `Problem`. */
async function mint(inbox: string, token: string): Promise<Minted> {
  try {
    return await call<Minted>('POST', 'visitors', { inbox, ...(token ? { token } : {}) });
  } catch (error) {
    if (!token || !(error instanceof Problem) || error.status < 400 || error.status >= 500 || error.status === 429) throw error;
    return call<Minted>('POST', 'visitors', { inbox });
  }
}

export async function meet(place: Place): Promise<Visitor> {
  const minted = await mint(place.inbox, place.token());
  place.keepToken(minted.token);
  const name = `${place.inbox}.${minted.contact}`;
  const cache: Cache = await openCache(name, () => keptOutside(place, minted.contact));
  const tabs = openTabs(name);
  const me: Actor = { kind: 'visitor', id: minted.contact };
  const [link, setLink] = createSignal<Link>({ name: 'idle', tries: 0 });
  const [limits, setLimits] = createSignal<Limits | null>(null);
  const [threads, setThreads] = createSignal<readonly { conv: string; thread: Thread }[]>([]);
  const [entries, setEntries] = createSignal<readonly Entry[]>([]);
  const [typing, setTyping] = createSignal<string | null>(null);
  let client: Client;
  let current: string | null = null;
  let quiet: ReturnType<typeof setTimeout> | undefined;

  const change = (conv: string, how: (thread: Thread) => Thread): void => {
    setThreads((known) =>
      known.some((one) => one.conv === conv)
        ? known.map((one) => (one.conv === conv ? { conv, thread: how(one.thread) } : one))
        : [...known, { conv, thread: how(EMPTY) }],
    );
  };
  const enter = (conv: string): void => {
    if (current === conv) return;
    current = conv;
    void cache.put('heads', LAST, conv);
    client.follow(conv);
  };
  const isOver = (): boolean => {
    const last = threads().at(-1)?.thread.items.findLast((item) => item.is === 'fact');
    return last?.is === 'fact' && (last.event.type === 'conversation.resolved' || last.event.type === 'conversation.closed');
  };

  const listener: Listener = {
    link(next) {
      setLink(next);
      if (next.name === 'stopped' && next.reason === 'signin') void renew();
    },
    welcome(frame) {
      if (frame.token) place.keepToken(frame.token);
      setLimits(frame.limits);
      if (frame.open) enter(frame.open);
    },
    events(conv, events, how) {
      batch(() => {
        change(conv, (thread) => append(how.forget ? EMPTY : thread, events));
        if (events.some(([, , event]) => event.type === 'message.added' && event.by.kind !== 'visitor')) setTyping(null);
      });
    },
    history: (conv, events, more) => change(conv, (thread) => prepend(thread, events, more)),
    heads: () => undefined,
    signal(frame) {
      clearTimeout(quiet);
      if (frame.by_kind === 'visitor' || frame.kind === 'viewing' || frame.kind === 'queue') return;
      setTyping(frame.kind === 'typing' ? (frame.name ?? '') : null);
      quiet = setTimeout(() => setTyping(null), TYPING_FOR_MS);
    },
    outbox(next) {
      setEntries([...next]);
      const opened = next.find((entry) => entry.state === 'stored' && entry.conv !== null)?.conv;
      if (opened) enter(opened);
    },
    opened: (frame) => enter(frame.conv),
    notice: (frame) => console.warn('trunkline:', frame.code, frame.message),
    refused: (frame) => console.warn('trunkline:', frame.code, frame.message),
  };

  /** The token has run out: the same person again if the node still knows them. */
  const renew = async (): Promise<void> => {
    try {
      const again = await mint(place.inbox, place.token());
      place.keepToken(again.token);
      if (again.contact === minted.contact) await client.start();
      else location.reload();
    } catch {
      setTimeout(() => void renew(), 20_000 + Math.random() * 20_000);
    }
  };

  client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
    cache,
    tabs,
    listener,
    hello: () => ({
      t: 'hello',
      token: place.token(),
      client: deviceOf(navigator.userAgent),
      version: 1,
      locale: navigator.language || locale(),
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
      page: place.page.slice(0, 2048),
      referrer: place.referrer.slice(0, 2048),
    }),
  });
  const last = await cache.get<string>('heads', LAST);
  if (last !== undefined) enter(last);
  await client.start();

  const agentName = createRoot(() =>
    createMemo((): string => {
      for (const { thread } of [...threads()].reverse()) {
        const written = thread.items.findLast((item) => isPublic(item) && item.by.kind === 'agent' && !!item.by.name);
        if (written?.is === 'message') return written.by.name ?? '';
      }
      return '';
    }),
  );

  return {
    me,
    link,
    limits,
    threads,
    entries,
    typing,
    agentName,
    send(text, attachments) {
      try {
        // A conversation that has ended is the node's to reopen or to follow with another.
        client.send({ conv: isOver() ? null : current, text, kind: kindOf(attachments), attachments });
        return true;
      } catch {
        return false;
      }
    },
    retry: (id) => client.retry(id),
    discard: (id) => client.discard(id),
    older() {
      const first = threads()[0];
      const seq = first?.thread.items[0]?.seq;
      if (first !== undefined && seq !== undefined) client.history(first.conv, seq);
    },
    mark: (conv, seq, isRead) => void client.say({ t: 'mark', conv, delivered: seq, ...(isRead ? { read: seq } : {}) }),
    tellTyping(isTyping) {
      if (current !== null) client.say({ t: 'signal', conv: current, kind: isTyping ? 'typing' : 'stopped' });
    },
  };
}
