/** Changing and withdrawing a message of one's own, for actions, keys and the menu of the message: whether, for how long, why not. */
import type { Message } from '../../ui/thread.ts';
import { leaveTo, type Change, type Leave } from '../channels/changes.ts';
import { span } from '../channels/words.ts';
import type { Desk } from '../store/desk.ts';
import { now } from '../store/now.ts';
import { standing } from '../store/standing.ts';
import { toast } from '../store/toast.ts';
import { sentence } from '../words/errors.ts';
import { t } from '../words/texts.ts';

/** Whether it may be done now. A closed conversation has no composer to write a change in. */
export function leave(desk: Desk, conv: string, message: Message, change: Change): Leave {
  const { channel, status } = standing(desk.views.heads[conv], desk.threads.of(conv)());
  const told = leaveTo(change, message, desk.me.id, channel, desk.channels.of(channel), now());
  return told.code === '' && change === 'edit' && status === 'closed' ? { ...told, code: 'conversation.closed' } : told;
}

/** How long it may be done, or why not; empty: whenever one likes. */
export function leaveText(change: Change, { code, leftMs, withinMs }: Leave): string {
  if (code === 'message.too_late') return t('change.too_late', { time: span(withinMs) });
  if (code !== '') return sentence(code, '');
  if (withinMs === 0) return '';
  return t(change === 'edit' ? 'change.edit_left' : 'change.recall_left', { time: span(leftMs) });
}

/** Begins it: the message's text comes into the composer, or a question is asked. What can't be done is said. */
export function begin(desk: Desk, conv: string, message: Message | undefined, change: Change): void {
  if (message === undefined) return toast({ text: t('change.none') });
  const told = leave(desk, conv, message, change);
  if (told.code !== '') return toast({ text: leaveText(change, told) });
  if (change === 'edit') desk.changes.begin(conv, message.id, message.text);
  else desk.changes.doubt(conv, message.id);
}
