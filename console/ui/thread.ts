/**
 * A conversation as people read it, folded from its events: messages with their state, and lines about what
 * happened. Pure: the same events in the same order give the same thread.
 */
import type { Actor, Attachment, Entry, Event, MessageAdded, Stored } from '../client/index.ts';

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
  /** Who withdrew it; null unless it is withdrawn. */
  readonly recalledBy: Actor | null;
  /** Its edits and withdrawals, oldest first. */
  readonly changes: readonly Changed[];
  /** What was entered or chosen beside words, by name. */
  readonly data: Data;
  /** The channel that it was said on. */
  readonly channel: string;
  /** Whether it is made of a template, which can't be changed. */
  readonly isTemplate: boolean;
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
  /** Who gets a copy by an agent's word; null: whoever is in the thread. */
  readonly cc: readonly string[] | null;
  /** What its channel said became of it, oldest first; our own channels know by the other side's marks. */
  readonly deliveries: readonly Delivered[];
  /** Of a message that was refused here: why, for people. */
  readonly error: string;
}

export type Data = NonNullable<MessageAdded['data']>;

/** An edit or withdrawal of a message. */
export interface Changed {
  readonly id: string;
  readonly is: 'edit' | 'recall';
  /** Why the platform didn't do it, so that the customer still sees the message as it was; null: nothing was refused. */
  readonly refused: string | null;
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
  /** Edits, withdrawals and deliveries of messages before the oldest loaded one: they are applied when those come. */
  readonly loose: readonly Stored[];
}

export const EMPTY: Thread = { items: [], marks: { read: {}, delivered: {} }, complete: false, loose: [] };
/** Most events of `loose`; the oldest go first. */
const LOOSE_MOST = 500;

/** `thread` after newer events, given in order. */
export function append(thread: Thread, events: readonly Stored[]): Thread {
  const items = [...thread.items];
  const places = new Map(items.flatMap((item, index) => idsOf(item).map((id): [string, number] => [id, index])));
  const loose = [...thread.loose];
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
      if (place !== undefined && target?.is === 'message') {
        items[place] = changed(target, event, seq);
        places.set(event.id, place);
      } else if (!loose.some(([known]) => known === seq)) loose.push([seq, seq - 1, event]);
    } else if (!places.has(event.id)) {
      places.set(event.id, items.length);
      items.push(itemOf(seq, event));
    }
  }
  return { items, marks, complete, loose: loose.slice(-LOOSE_MOST) };
}

/** What events name it by: its own id, and those of its changes, which a platform may refuse. */
const idsOf = (item: Item): string[] => [item.id, ...(item.is === 'message' ? item.changes.map(({ id }) => id) : [])];

/** `thread` with older events (ascending) before it; what they change in later items is already there. */
export function prepend(thread: Thread, events: readonly Stored[], more: boolean): Thread {
  const first = thread.items[0]?.seq ?? Number.POSITIVE_INFINITY;
  const before = events.filter(([seq]) => seq < first);
  const known = new Set(before.map(([seq]) => seq));
  const older = append(EMPTY, [...before, ...thread.loose.filter(([seq]) => !known.has(seq))]);
  const again = thread.items.filter((item) => !older.items.some((old) => old.id === item.id));
  return {
    items: [...older.items, ...again],
    marks: {
      read: { ...older.marks.read, ...thread.marks.read },
      delivered: { ...older.marks.delivered, ...thread.marks.delivered },
    },
    complete: older.complete || thread.complete || !more,
    loose: older.loose,
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
      // A provider's files come with an edit that changes nothing else.
      const isOther = text !== message.text;
      const data = Object.keys(event.data ?? {}).length > 0 ? event.data! : message.data;
      return { ...message, ...files, text, data, edited: message.edited || isOther, changes: withChange(message, event.id, 'edit') };
    }
    case 'message.recalled':
      return { ...message, recalled: true, recalledBy: message.recalledBy ?? event.by, changes: withChange(message, event.id, 'recall') };
    case 'delivery.updated': {
      if (event.target !== message.id) {
        const refused = event.error?.text ?? '';
        return { ...message, changes: message.changes.map((one) => (one.id === event.target ? { ...one, refused } : one)) };
      }
      const isKnown = message.deliveries.some((one) => one.seq === seq);
      return isKnown ? message : { ...message, deliveries: [...message.deliveries, { seq, event }] };
    }
  }
}

const withChange = (message: Message, id: string, is: Changed['is']): readonly Changed[] =>
  message.changes.some((one) => one.id === id) ? message.changes : [...message.changes, { id, is, refused: null }];

/** Of the last change that its platform refused, and no later one made good: what the customer still sees, and why. */
export function refusedChange(message: Message): (Changed & { readonly refused: string }) | undefined {
  const last = message.changes.at(-1);
  return last !== undefined && last.refused !== null ? { ...last, refused: last.refused } : undefined;
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
    recalledBy: null,
    changes: [],
    data: event.data ?? {},
    channel: event.channel,
    isTemplate: (event.parts?.length ?? 0) > 0,
    filesSeq: seq,
    subject: event.subject ?? '',
    hasOriginal: (event.html ?? '') !== '',
    providerAt: event.provider ? (event.provider.at ?? 0) : null,
    context: event.provider?.context ?? {},
    answerTo: event.answer_to ?? '',
    cc: event.cc ?? null,
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
    recalledBy: null,
    changes: [],
    data: {},
    channel: '',
    isTemplate: false,
    filesSeq: entry.seq,
    subject: '',
    hasOriginal: false,
    providerAt: null,
    context: {},
    answerTo: entry.answerTo ?? '',
    cc: null,
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
