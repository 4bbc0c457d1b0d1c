/** The wire's types under short names; everything else of `client/` takes them from here. */
export type {
  Act, ActArgs, Actor, Attachment, ClientFrame, Counts, Edit, Err, Ev, Event, Evs, Head, Heads, Hello, LastMessage,
  Limits, Me, MessageAdded, NodeFrame, Notice, Ok, Opened, Presence, Recall, Resync, Send, Signalled, Skip, Welcome,
} from '../api/wire.ts';
import type { Event, Send } from '../api/wire.ts';

/** A place in the log: epoch of the stream and sequence. */
export type Position = readonly [epoch: number, seq: number];

/** An event with its place: sequence, and the sequence before it in its conversation. */
export type Stored = readonly [seq: number, prev: number, event: Event];

export type MessageKind = NonNullable<Send['kind']>;
