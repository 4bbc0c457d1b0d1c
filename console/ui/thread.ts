/**
 * A conversation as people read it, folded from its events: messages with their state, and lines about what
 * happened. Pure: the same events in the same order give the same thread.
 */
import type { Actor, Attachment, Entry, Event, Stored } from '../client/index.ts';

/** How far a message got. `waiting`, `failed` belong to the outbox. */
export type Delivery = 'waiting' | 'stored' | 'delivered' | 'read' | 'failed';

export interface Message {
  readonly is: 'message';
  readonly seq: number;
  readonly id: string;
  readonly at: number;
  readonly by: Actor;
  readonly kind: string;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly replyTo: string;
  readonly note: boolean;
  readonly edited: boolean;
  readonly recalled: boolean;
  /** Sequence of the event that holds its files: a provider's files come with an edit. */
  readonly filesSeq: number;
  readonly subject: string;
  /** Whether the HTML of a mail is kept. */
  readonly hasOriginal: boolean;
  /** The provider's time of a message that came through one (UTC ms), 0 where it says none; null: it is our own. */
  readonly providerAt: number | null;
  /** What the channel must know to answer it; of a mail, whom it came from and whom it names. */
  readonly context: Readonly<Record<string, string>>;
  readonly answerTo: string;
  /** What its channel said became of it, oldest first; our own channels know by the other side's marks. */
  readonly deliveries: readonly Delivered[];
  /** Of a message that was refused here: why, for people. */
  readonly error: string;
}

export interface Delivered {
  readonly seq: number;
  readonly event: Extract<Event, { type: 'delivery.updated' }>;
}

/** Something that happened: one grey line. */
export interface Fact {
  readonly is: 'fact';
  readonly seq: number;
  readonly id: string;
  readonly at: number;
  readonly event: Event;
}

export type Item = Message | Fact;

/** Who has read and received how far: `visitor` or an agent's id. */
export interface Marks {
  readonly read: Readonly<Record<string, number>>;
  readonly delivered: Readonly<Record<string, number>>;
}

export interface Thread {
  readonly items: readonly Item[];
  readonly marks: Marks;
  /** True once the conversation's first event is known: nothing older to ask for. */
  readonly complete: boolean;
}

export const EMPTY: Thread = { items: [], marks: { read: {}, delivered: {} }, complete: false };

/** `thread` after newer events, given in order. */
export function append(thread: Thread, events: readonly Stored[]): Thread {
  const items = [...thread.items];
  const places = new Map(items.map((item, index) => [item.id, index]));
  let marks = thread.marks;
  let complete = thread.complete;
  for (const [seq, , event] of events) {
    if (event.type === 'conversation.opened') complete = true;
    if (event.type === 'read.marked') {
      marks = {
        read: raise(marks.read, event.reader, event.read ?? 0),
        delivered: raise(marks.delivered, event.reader, event.delivered ?? 0),
      };
    } else if (changesMessage(event)) {
      const place = places.get(event.target);
      const target = place === undefined ? undefined : items[place];
      if (place !== undefined && target?.is === 'message') items[place] = changed(target, event, seq);
    } else if (!places.has(event.id)) {
      places.set(event.id, items.length);
      items.push(itemOf(seq, event));
    }
  }
  return { items, marks, complete };
}

/** `thread` with older events (ascending) before it; what they change in later items is already there. */
export function prepend(thread: Thread, events: readonly Stored[], more: boolean): Thread {
  const first = thread.items[0]?.seq ?? Number.POSITIVE_INFINITY;
  const older = append(EMPTY, events.filter(([seq]) => seq < first));
  const again = thread.items.filter((item) => !older.items.some((old) => old.id === item.id));
  return {
    items: [...older.items, ...again],
    marks: {
      read: { ...older.marks.read, ...thread.marks.read },
      delivered: { ...older.marks.delivered, ...thread.marks.delivered },
    },
    complete: older.complete || thread.complete || !more,
  };
}

function raise(marks: Readonly<Record<string, number>>, reader: string, seq: number): Readonly<Record<string, number>> {
  return (marks[reader] ?? 0) >= seq ? marks : { ...marks, [reader]: seq };
}

type Change = Extract<Event, { type: 'message.edited' | 'message.recalled' | 'delivery.updated' }>;

function changesMessage(event: Event): event is Change {
  return event.type === 'message.edited' || event.type === 'message.recalled' || event.type === 'delivery.updated';
}

function changed(message: Message, event: Change, seq: number): Message {
  switch (event.type) {
    case 'message.edited': {
      const text = event.text ?? '';
      const files = event.attachments ? { attachments: event.attachments, filesSeq: seq } : {};
      return { ...message, ...files, text, edited: message.edited || text !== message.text };
    }
    case 'message.recalled':
      return { ...message, recalled: true };
    case 'delivery.updated': {
      const isKnown = message.deliveries.some((one) => one.seq === seq);
      return isKnown ? message : { ...message, deliveries: [...message.deliveries, { seq, event }] };
    }
  }
}

function itemOf(seq: number, event: Event): Item {
  // What a customer does at their provider's (opens the chat, taps its menu) is told, and isn't said.
  if (event.type !== 'message.added' || event.kind === 'event') return { is: 'fact', seq, id: event.id, at: event.at, event };
  return {
    is: 'message',
    seq,
    id: event.id,
    at: event.at,
    by: event.by,
    kind: event.kind ?? 'text',
    text: event.text ?? '',
    attachments: event.attachments ?? [],
    replyTo: event.reply_to ?? '',
    note: event.note ?? false,
    edited: false,
    recalled: false,
    filesSeq: seq,
    subject: event.subject ?? '',
    hasOriginal: (event.html ?? '') !== '',
    providerAt: event.provider ? (event.provider.at ?? 0) : null,
    context: event.provider?.context ?? {},
    answerTo: event.answer_to ?? '',
    deliveries: [],
    error: '',
  };
}

/** How far a message of ours got: by the outbox while it is `unsent`, then by what the other side's readers have marked. */
export function deliveryOf(message: Message, marks: Marks, isOther: (reader: string) => boolean, unsent?: Entry): Delivery {
  if (unsent !== undefined && unsent.state !== 'stored') return unsent.state === 'failed' ? 'failed' : 'waiting';
  const furthest = (record: Readonly<Record<string, number>>): number =>
    Math.max(0, ...Object.entries(record).flatMap(([reader, seq]) => (isOther(reader) ? [seq] : [])));
  if (furthest(marks.read) >= message.seq) return 'read';
  if (furthest(marks.delivered) >= message.seq) return 'delivered';
  return 'stored';
}

/** An unsent message as the thread shows it, by `me`. */
export function messageOf(entry: Entry, me: Actor): Message {
  return {
    is: 'message',
    seq: entry.seq,
    id: entry.id,
    at: entry.at,
    by: me,
    kind: entry.kind,
    text: entry.text,
    attachments: entry.attachments,
    replyTo: entry.replyTo,
    note: entry.note,
    edited: false,
    recalled: false,
    filesSeq: entry.seq,
    subject: '',
    hasOriginal: false,
    providerAt: null,
    context: {},
    answerTo: entry.answerTo ?? '',
    deliveries: [],
    error: entry.error?.message ?? '',
  };
}

/**
 * `items` and what `me` has not sent: at the end, but for what was refused, which stays before what `me` wrote after it
 * (ids of version 7 grow with time), or a long one would hide each later message.
 */
export function withUnsent(items: readonly Item[], entries: readonly Entry[], me: Actor): Item[] {
  const mine = items.filter((item): item is Message => item.is === 'message' && item.by.kind === me.kind && item.by.id === me.id);
  const before = new Map<string, Message[]>();
  const last: Message[] = [];
  for (const entry of entries) {
    const later = entry.state === 'failed' ? mine.find((message) => message.id > entry.id) : undefined;
    if (later === undefined) last.push(messageOf(entry, me));
    else before.set(later.id, [...(before.get(later.id) ?? []), messageOf(entry, me)]);
  }
  return [...items.flatMap((item) => [...(before.get(item.id) ?? []), item]), ...last];
}

/** The message of this id, as far as the thread reaches. */
export function messageWith(thread: Thread, id: string): Message | undefined {
  const item = id === '' ? undefined : thread.items.find((one) => one.id === id);
  return item?.is === 'message' ? item : undefined;
}

/** What is shown as a message to the other side: neither notes nor facts. */
export const isPublic = (item: Item): item is Message => item.is === 'message' && !item.note;
