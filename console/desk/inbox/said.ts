/** Author and excerpt of a message, for quotes and rows. */
import type { Message } from '../../ui/thread.ts';
import type { Desk } from '../store/desk.ts';
import { t } from '../words/texts.ts';

const EXCERPT = 120;

export const isOurs = (message: Pick<Message, 'by'>): boolean => message.by.kind !== 'visitor' && message.by.kind !== 'provider';

/** The author's name; `visitor`: display name of the contact. */
export const authorOf = (desk: Desk, message: Pick<Message, 'by'>, visitor: string): string =>
  isOurs(message) ? message.by.name || desk.colleagues.nameOf(message.by.id) : message.by.name || visitor;

export function excerptOf(message: Pick<Message, 'text' | 'kind'> & Partial<Message>): string {
  if (message.recalled === true) return t('message.recalled');
  return message.text.slice(0, EXCERPT) || t(message.kind === 'image' ? 'row.image' : 'row.file');
}
