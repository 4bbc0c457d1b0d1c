/** What is written in a conversation: reply or note, files, the message that it answers; and what can be sent. No view. */
import { createEffect, createMemo, createSignal, onCleanup, type Accessor } from 'solid-js';
import type { Client, Draft as Message } from '../../../client/index.ts';
import { kindOf } from '../../../ui/files.ts';
import { messageWith, type Message as Said } from '../../../ui/thread.ts';
import { createUploads, uploadLimits, type Upload, type Uploads } from '../../../ui/uploads.ts';
import { createTyping, sendable, type Typing } from '../../../ui/writing.ts';
import { isProvider, type Channel } from '../../channels/known.ts';
import { contextOf, recipients, type Recipients } from '../../channels/mail.ts';
import { sentAs, type Carries, type Kept } from '../../channels/plan.ts';
import { roomOf, type Room } from '../../channels/window.ts';
import type { Desk } from '../../store/desk.ts';
import type { Editing } from '../../store/writing/changes.ts';
import type { Draft } from '../../store/writing/drafts.ts';
import { now } from '../../store/now.ts';
import type { Standing } from '../../store/standing.ts';

export const TABS = ['reply', 'note'] as const;
export type Tab = (typeof TABS)[number];

/** Text to show beside a file that doesn't arrive as what it is. */
export type Loss = 'upload.as_file' | 'upload.as_link' | 'upload.as_nothing';

/** A file's type as the browser guesses it; once it is uploaded, as the node has found it. Pure. */
export const keptOf = ({ file, attachment }: Pick<Upload, 'file' | 'attachment'>): Kept => ({
  mime: attachment?.mime ?? file.type,
  bytes: attachment?.bytes ?? file.size,
});

/** What a channel makes of a file of a reply; a note goes to no channel. Pure. */
export function lossOf(tab: Tab, channel: Carries | undefined, file: Kept): Loss | undefined {
  const as = tab === 'reply' ? sentAs(channel, file) : 'itself';
  return as === 'itself' ? undefined : `upload.as_${as}`;
}

/** Whether there is something to send, all of it is uploaded, and none of it would be lost. Pure. */
export const isSendable = (text: string, files: number, isBusy: boolean, losses: readonly (Loss | undefined)[]): boolean =>
  (text.trim() !== '' || files > 0) && !isBusy && !losses.includes('upload.as_nothing');

/** Whether what is written anew says something, and something else than before; a message with files may lose its words. Pure. */
export const isChanged = ({ text, before }: Editing, files: number): boolean => text.trim() !== before.trim() && (text.trim() !== '' || files > 0);

/** The message of a draft. Of a mail whose Reply-To is unproven, `answerTo` is the address that the agent chose. Pure. */
export function messageOf(draft: Draft, tab: Tab, attachments: NonNullable<Message['attachments']>, mail: Recipients | undefined): Message {
  const isChosen = tab === 'reply' && mail !== undefined && mail.doubtful === mail.to;
  return {
    conv: draft.conv,
    text: sendable(draft[tab]),
    kind: kindOf(attachments),
    attachments,
    note: tab === 'note',
    replyTo: draft.answers,
    answerTo: isChosen ? mail.to : '',
  };
}

/** Label of the button: a note is saved, a reply outside the channel's window is held. Pure. */
export function sendLabel(tab: Tab, room: Room | null, isEditing = false): 'composer.change' | 'composer.save' | 'composer.hold' | 'composer.send' {
  if (isEditing) return 'composer.change';
  if (tab === 'note') return 'composer.save';
  return room?.isOpen === false ? 'composer.hold' : 'composer.send';
}

export interface Composing {
  readonly tab: Accessor<Tab>;
  readonly setTab: (tab: Tab) => void;
  /** Of the message that is being changed, else of the draft. */
  readonly text: Accessor<string>;
  write(text: string): void;
  readonly uploads: Uploads;
  readonly files: Accessor<readonly Kept[]>;
  readonly lossOf: (upload: Upload) => Loss | undefined;
  readonly channel: Accessor<Channel | undefined>;
  /** What the channel's window permits now; null where that isn't known, or nothing bounds it. */
  readonly room: Accessor<Room | null>;
  readonly isResolved: Accessor<boolean>;
  /** The conversation's account is gone. */
  readonly isRemoved: Accessor<boolean>;
  /** Id of the message that is answered, empty for none; and the message, if it is loaded. */
  readonly answers: Accessor<string>;
  readonly answered: Accessor<Said | undefined>;
  answerNone(): void;
  /** Address of the customer of a mail. */
  readonly customer: Accessor<string>;
  readonly mail: Accessor<Recipients | undefined>;
  /** Another Reply-To than the one that was seen; empty: none. */
  choose(address: string): void;
  /** The message that is being changed; the draft is kept meanwhile. */
  readonly editing: Accessor<Editing | undefined>;
  leaveEditing(): void;
  readonly canSend: Accessor<boolean>;
  /** `full`: the outbox takes no more; `nothing`: there was nothing to send, or to change. */
  send(): 'sent' | 'full' | 'nothing';
  readonly stoppedTyping: Typing['stopped'];
}

type Needs = Pick<Desk, 'changes' | 'connection' | 'channels' | 'drafts' | 'threads' | 'views'> & { readonly client: Pick<Client, 'say' | 'send'> };

/** `at` is read again whenever it changes, as props are. Belongs to the component that calls it. */
export function createComposing(desk: Needs, at: { readonly conv: string; readonly standing: Standing }): Composing {
  const [tab, setTab] = createSignal<Tab>('reply');
  const [chosen, setChosen] = createSignal({ conv: '', address: '' });
  const uploads = createUploads(
    () => uploadLimits(desk.connection.limits),
    () => '',
  );
  const typing = createTyping((isTyping) => {
    desk.client.say({ t: 'signal', conv: at.conv, kind: isTyping ? 'typing' : 'stopped' });
  });
  onCleanup(typing.stopped);
  createEffect(() => desk.connection.link.name === 'live' && uploads.retryUnreachable());

  const thread = desk.threads.of(at.conv);
  const draft = (): Draft => desk.drafts.of(at.conv);
  const channel = (): Channel | undefined => desk.channels.of(at.standing.channel);
  const room = createMemo((): Room | null => {
    const windows = desk.channels.windowsOf(at.standing.channel, desk.views.heads[at.conv]?.inbox ?? '');
    return windows.length === 0 ? null : roomOf(windows, thread(), now());
  });
  const loss = (upload: Upload): Loss | undefined => lossOf(tab(), channel(), keptOf(upload));
  const customer = (): string => desk.views.heads[at.conv]?.peer || (contextOf(thread().items)?.['from'] ?? '');
  const mail = createMemo((): Recipients | undefined => {
    const said = contextOf(thread().items);
    // Kept with its conversation: the choice doesn't go along to the next one.
    const address = chosen().conv === at.conv ? chosen().address : '';
    return said && recipients(said, customer(), address);
  });
  const editing = (): Editing | undefined => desk.changes.editing(at.conv);
  const text = (): string => editing()?.text ?? draft()[tab()];
  const canSend = (): boolean => {
    const now = editing();
    if (now !== undefined) return isChanged(now, messageWith(thread(), now.target)?.attachments.length ?? 0);
    return isSendable(text(), uploads.items().length, uploads.isBusy(), uploads.items().map(loss));
  };

  return {
    tab,
    setTab,
    text,
    write(value) {
      if (editing() !== undefined) return desk.changes.write(at.conv, value);
      desk.drafts.keep(at.conv, { [tab()]: value });
      if (tab() === 'reply') typing.wrote(value);
    },
    uploads,
    files: () => uploads.items().map(keptOf),
    lossOf: loss,
    channel,
    room,
    isResolved: () => at.standing.status === 'resolved',
    isRemoved: () => isProvider(at.standing.channel) && desk.channels.isRemoved(at.standing.inbox),
    answers: () => draft().answers,
    answered: () => messageWith(thread(), draft().answers),
    answerNone: () => desk.drafts.keep(at.conv, { answers: '' }),
    customer,
    mail,
    choose: (address) => void setChosen({ conv: at.conv, address }),
    editing,
    leaveEditing: () => desk.changes.leave(at.conv),
    canSend,
    send() {
      if (!canSend()) return 'nothing';
      if (editing() !== undefined) {
        void desk.changes.save(at.conv);
        return 'sent';
      }
      try {
        desk.client.send(messageOf(draft(), tab(), uploads.attachments(), mail()));
      } catch {
        return 'full';
      }
      uploads.clear();
      desk.drafts.keep(at.conv, { [tab()]: '', answers: '' });
      typing.stopped();
      return 'sent';
    },
    stoppedTyping: typing.stopped,
  };
}
