/**
 * The protocol client: one connection, the conversations followed over it, the outbox. Knows no framework and no
 * DOM beyond storage and sockets; everything it learns goes out through `Listener`.
 */
import type { Cache } from './cache.ts';
import { uuid7 } from './ids.ts';
import type { Link } from './link.ts';
import * as outbox from './outbox.ts';
import type { Entry } from './outbox.ts';
import { openSocket, type Socket } from './socket.ts';
import type { Tabs } from './tabs.ts';
import type { Act, ClientFrame, Edit, Err, Hello, Heads, NodeFrame, Notice, Ok, Opened, Position, Presence, Recall, Signalled, Stored, Welcome } from './types.ts';
import { asked, receive, type Arrival, type Tail } from './watermark.ts';

const EVENTS_KEPT = 200;
const CONVERSATIONS_KEPT = 50;
const SAVE_AFTER_MS = 400;
const SUB_AGAIN_MS = 250;
const ANSWER_WITHIN_MS = 10_000;
const OUTBOX_MAX = 500;

export interface Listener {
  link(link: Link): void;
  welcome(frame: Welcome): void;
  /** New events of a conversation in order; `forget` drops all known before; `synced`: complete up to now. */
  events(conv: string, events: readonly Stored[], how: { forget: boolean; synced: boolean }): void;
  /** Older events, ascending; `more`: there are still older ones. */
  history(conv: string, events: readonly Stored[], more: boolean): void;
  heads(frame: Heads): void;
  signal(frame: Signalled): void;
  /** Another connection of this person has written in a conversation that this one may not know of. */
  opened(frame: Opened): void;
  outbox(entries: readonly Entry[]): void;
  notice(frame: Notice): void;
  /** An answer without a request of ours, such as a subscription refused. */
  refused(frame: Err): void;
}

export interface Draft {
  readonly conv: string | null;
  readonly to?: { readonly inbox: string; readonly contact: string };
  readonly text: string;
  readonly kind?: Entry['kind'];
  readonly attachments?: Entry['attachments'];
  readonly note?: boolean;
  readonly replyTo?: string;
  readonly answerTo?: string;
}

export interface Client {
  start(): Promise<void>;
  stop(): void;
  follow(conv: string): void;
  unfollow(conv: string): void;
  /** Asks for events older than the sequence `before`; they come to `Listener.history`. */
  history(conv: string, before: number): boolean;
  send(draft: Draft): string;
  retry(id: string): void;
  discard(id: string): void;
  /** Answers with `ok`, or rejects with the node's `err` (code `offline` if nothing could be sent). */
  ask(frame: Omit<Act, 'id'> | Omit<Presence, 'id'> | Omit<Edit, 'id'> | Omit<Recall, 'id'>): Promise<Ok>;
  /** Now or never: for signals, marks and `watch`. */
  say(frame: ClientFrame): boolean;
}

export interface ClientOptions {
  readonly url: string;
  readonly cache: Cache;
  readonly tabs: Tabs;
  readonly hello: () => Hello;
  readonly listener: Listener;
}

interface Kept {
  readonly conv: string;
  readonly mark: Position;
  readonly events: readonly Stored[];
  readonly usedAt: number;
}

interface Followed {
  tail: Tail<Stored[2]>;
  events: Stored[];
  synced: boolean;
  loaded: boolean;
}

export function createClient(options: ClientOptions): Client {
  const { cache, listener, tabs } = options;
  const followed = new Map<string, Followed>();
  const answers = new Map<string, { resolve: (ok: Ok) => void; reject: (error: Err) => void }>();
  const dirty = new Set<string>();
  let entries: Entry[] = [];
  let live = false;
  /** By how much this device's clock is ahead of the node's; 0 until it is known. */
  let aheadMs = 0;
  /** Ids tell when they were made: to a node one of 20 s ago is a resend, which it looks for in the log. */
  const newId = (): string => uuid7(Date.now() - aheadMs);
  let again: ReturnType<typeof setTimeout> | undefined;
  let overdue: ReturnType<typeof setTimeout> | undefined;
  let socket: Socket;

  const keep = (next: Entry[]): void => {
    const before = new Map(entries.map((entry) => [entry.id, entry]));
    entries = next;
    for (const entry of next) {
      const old = before.get(entry.id);
      before.delete(entry.id);
      if (old === entry || entry.tab !== tabs.id) continue;
      // Stored: the log has it, a reload must not send it again.
      if (entry.state === 'stored') void cache.remove('outbox', entry.id);
      else if (old?.conv !== entry.conv || old?.state !== entry.state) void cache.put('outbox', entry.id, entry);
    }
    for (const id of before.keys()) void cache.remove('outbox', id);
    listener.outbox(entries);
  };

  const pump = (): void => {
    clearTimeout(again);
    if (!live) return;
    const now = Date.now();
    outbox.unproved(entries).forEach(follow);
    for (const entry of outbox.due(entries, (conv) => followed.get(conv)?.synced === true, now)) {
      if (!socket.send(outbox.frameOf(entry))) return;
      keep(outbox.change(entries, entry.id, { state: 'sending' }));
    }
    const later = entries.flatMap((entry) => (entry.state === 'waiting' && entry.notBefore > now ? [entry.notBefore] : []));
    if (later.length > 0) again = setTimeout(pump, Math.min(...later) - now);
    clearTimeout(overdue);
    if (entries.some((entry) => entry.state === 'sending')) {
      overdue = setTimeout(() => socket.distrust(), ANSWER_WITHIN_MS);
    }
  };

  const ask = (conv: string, one: Followed): void => {
    socket.send({ t: 'sub', conv, after: one.tail.mark === null ? null : [one.tail.mark[0], one.tail.mark[1]] });
  };

  const take = (conv: string, arrival: Arrival<Stored[2]>): void => {
    const one = followed.get(conv);
    if (one === undefined || !one.loaded) return;
    // A second answer to what was asked twice: perhaps of another epoch, and taken for a new log.
    if (arrival.t === 'evs' && !one.tail.asking) return;
    const outcome = receive(one.tail, arrival);
    one.tail = outcome.tail;
    if (arrival.t === 'evs' || outcome.forget) one.synced = !outcome.ask;
    if (outcome.ask) ask(conv, one);
    one.events = [...(outcome.forget ? [] : one.events), ...outcome.apply].slice(-EVENTS_KEPT);
    save(conv);
    listener.events(conv, outcome.apply, { forget: outcome.forget, synced: one.synced });
    const shown = new Set(outcome.apply.map(([, , event]) => event.id));
    if (entries.some((entry) => shown.has(entry.id))) keep(outbox.seen(entries, shown));
    pump();
  };

  const save = (conv: string): void => {
    if (dirty.has(conv)) return;
    dirty.add(conv);
    setTimeout(() => {
      dirty.delete(conv);
      const one = followed.get(conv);
      if (!one?.tail.mark) return;
      const kept: Kept = { conv, mark: one.tail.mark, events: one.events, usedAt: Date.now() };
      void cache.put('events', conv, kept);
    }, SAVE_AFTER_MS);
  };

  const forgetOldest = async (): Promise<void> => {
    const kept = (await cache.all<Kept>('events')).sort((a, b) => b.usedAt - a.usedAt);
    for (const old of kept.slice(CONVERSATIONS_KEPT)) await cache.remove('events', old.conv);
  };

  function follow(conv: string): void {
    if (followed.has(conv)) return;
    const one: Followed = { tail: asked(null), events: [], synced: false, loaded: false };
    followed.set(conv, one);
    void cache.get<Kept>('events', conv).then((kept) => {
      if (followed.get(conv) !== one) return;
      one.loaded = true;
      if (kept !== undefined) {
        one.tail = asked(kept.mark);
        one.events = [...kept.events];
        listener.events(conv, kept.events, { forget: true, synced: false });
      }
      if (live) ask(conv, one);
    });
  }

  const adopt = async (): Promise<void> => {
    const living = await tabs.living();
    const kept = await cache.all<Entry>('outbox');
    const left = kept.filter((entry) => !living?.has(entry.tab) && !entries.some((known) => known.id === entry.id));
    if (left.length === 0) return;
    const adopted = left.map((entry) => ({ ...entry, tab: tabs.id, tried: true }));
    keep([...outbox.disconnected(adopted), ...entries].sort((a, b) => (a.id < b.id ? -1 : 1)));
    pump();
  };

  socket = openSocket({
    url: options.url,
    hello: options.hello,
    onFault(status, message) {
      const code = `socket.${status}`;
      keep(outbox.faulted(entries, { code, message }));
      listener.notice({ t: 'notice', code, message });
    },
    onLink(link) {
      const was = live;
      if (link.name !== 'live') live = false;
      if (was && !live) {
        for (const one of followed.values()) one.synced = false;
        for (const answer of answers.values()) answer.reject({ t: 'err', code: 'offline', message: '' });
        answers.clear();
        clearTimeout(overdue);
        keep(outbox.disconnected(entries));
      }
      listener.link(link);
    },
    onFrame(frame) {
      switch (frame.t) {
        case 'welcome':
          aheadMs = Date.now() - frame.time;
          live = true;
          for (const [conv, one] of followed) {
            one.tail = asked(one.tail.mark);
            if (one.loaded) ask(conv, one);
          }
          listener.welcome(frame);
          pump();
          break;
        case 'evs':
          if (frame.history === true) listener.history(frame.conv, frame.events, frame.more);
          else take(frame.conv, frame);
          break;
        case 'ev':
        case 'skip':
        case 'resync':
          take(frame.conv, frame);
          break;
        case 'ok':
        case 'err':
          answered(frame);
          break;
        case 'heads':
        case 'signal':
        case 'opened':
        case 'notice':
          (listener[frame.t] as (frame: NodeFrame) => void)(frame);
          break;
        default: // drain and pong are the socket's; what a newer node adds is not ours
      }
    },
  });

  const answered = (frame: Ok | Err): void => {
    const id = frame.id ?? '';
    const answer = answers.get(id);
    if (answer !== undefined) {
      answers.delete(id);
      if (frame.t === 'ok') answer.resolve(frame);
      else answer.reject(frame);
      return;
    }
    if (!entries.some((entry) => entry.id === id)) {
      if (frame.t === 'err') {
        const one = followed.get(frame.conv ?? '');
        // Of a `sub`: a mark or a signal that was refused says nothing about its conversation.
        if (one?.tail.asking && (frame.of ?? 'sub') === 'sub') {
          if (outbox.isPassing(frame)) {
            // It came too soon, or while the log was away.
            setTimeout(() => live && ask(frame.conv!, one), Math.max(frame.retry_after_ms ?? 0, SUB_AGAIN_MS));
            return;
          }
          // A conversation that can't be followed can't be proved either: its unsent messages are the person's to judge.
          const error = { code: frame.code, message: frame.message };
          const isLost = (entry: Entry): boolean => entry.tried && entry.state === 'waiting' && entry.conv === frame.conv;
          keep(entries.map((entry) => (isLost(entry) ? { ...entry, state: 'failed', error } : entry)));
        }
        listener.refused(frame);
      }
      return;
    }
    if (frame.t === 'ok') {
      const conv = frame.conv ?? '';
      keep(outbox.stored(entries, id, conv, frame.seq ?? 0));
      follow(conv);
    } else {
      keep(outbox.refused(entries, frame, Date.now() + Math.random() * 250));
    }
    pump();
  };

  return {
    async start() {
      tabs.onLeading(() => void adopt());
      await adopt();
      void forgetOldest();
      socket.start();
    },
    stop() {
      socket.stop();
      tabs.close();
    },
    follow,
    unfollow(conv) {
      if (followed.delete(conv)) socket.send({ t: 'unsub', conv });
    },
    history(conv, before) {
      const epoch = followed.get(conv)?.tail.mark?.[0];
      return epoch !== undefined && socket.send({ t: 'history', conv, before: [epoch, before] });
    },
    send(draft) {
      const id = newId();
      if (entries.length >= OUTBOX_MAX) throw new Error('the outbox is full');
      const entry: Entry = { ...outbox.BLANK, ...draft, id, at: Date.now(), tab: tabs.id };
      // Written down first: a reload between here and `ok` must not lose it.
      void cache.put('outbox', id, entry).then(pump);
      entries = [...entries, entry];
      listener.outbox(entries);
      return id;
    },
    retry(id) {
      keep(outbox.change(entries, id, { state: 'waiting', refusals: 0, faults: 0, notBefore: 0, tried: true }));
      pump();
    },
    discard: (id) => keep(entries.filter((entry) => entry.id !== id)),
    ask(frame) {
      const id = newId();
      return new Promise<Ok>((resolve, reject) => {
        const fail = (code: string): void => reject({ t: 'err', id, code, message: '' } satisfies Err);
        if (!socket.send({ ...frame, id } as ClientFrame)) fail('offline');
        else answers.set(id, { resolve, reject });
        setTimeout(() => answers.delete(id) && fail('timeout'), ANSWER_WITHIN_MS);
      });
    },
    say: (frame) => socket.send(frame),
  };
}
