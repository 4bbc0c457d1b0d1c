/** Error texts in the reader's locale by code, else the node's own sentence. */
import type { Err } from '../../client/index.ts';
import type { Problem } from '../../ui/rest.ts';
import { t, type TextKey } from './texts.ts';

const KNOWN: Readonly<Record<string, TextKey>> = {
  offline: 'error.offline',
  timeout: 'error.timeout',
  'network.unreachable': 'error.unreachable',
  'session.bad_credentials': 'error.credentials',
  'invitation.gone': 'error.invitation',
  'reset.gone': 'error.invitation',
  'agent.email_taken': 'error.email_taken',
  'agent.password_weak': 'error.password',
  'agent.name_missing': 'error.name',
  'agent.name_long': 'error.name',
  'agent.email_invalid': 'error.email',
  'session.missing': 'error.session',
  'session.expired': 'error.session',
  'conversation.closed': 'error.closed',
  'conversation.resolved': 'error.resolved',
  'conversation.taken': 'error.taken',
  'conversation.yours_already': 'error.yours',
  'conversation.assigned_already': 'error.assigned',
  'conversation.not_yours': 'error.not_yours',
  'conversation.not_resolved': 'error.open',
  'message.not_yours': 'error.message_not_yours',
  'message.elsewhere': 'error.message_elsewhere',
  'message.withdrawn': 'error.message_withdrawn',
  'message.fixed': 'error.message_fixed',
  'message.channel_keeps': 'error.message_keeps',
  'message.too_late': 'error.message_late',
  'message.not_found': 'error.message_gone',
  'text.empty': 'error.text_empty',
  'file.too_large': 'error.file_large',
  'file.type_refused': 'error.file_type',
  'file.empty': 'error.file_empty',
  'file.too_many_pixels': 'error.file_large',
  'text.too_long': 'error.text_long',
  'event.too_large': 'error.text_long',
  'log.too_large': 'error.text_long',
  'socket.4413': 'error.text_long',
  'text.invalid': 'error.text_invalid',
  'frame.invalid': 'error.text_invalid',
  'socket.4400': 'error.text_invalid',
  'limit.rate': 'error.busy',
  'session.busy': 'error.busy',
  'limit.conversations': 'error.too_many_open',
  'file.failed': 'error.file',
  'field.required': 'error.field_required',
  'field.again': 'error.field_again',
  'field.form': 'error.field_form',
  'field.range': 'error.field_range',
  'field.choice': 'error.field_choice',
  'inbox.taken': 'error.inbox_taken',
  'inbox.name': 'error.inbox_name',
  'inbox.origins': 'error.inbox_origins',
  'inbox.not_found': 'error.inbox_gone',
  'channel.not_found': 'error.channel_gone',
  'id.token': 'error.inbox_id',
  'template.not_found': 'error.template_gone',
  'template.file': 'error.template_file',
  'template.values': 'error.template_values',
  'template.busy': 'error.template_busy',
  'access.admins_only': 'error.admins',
  'bucket.moved': 'error.moved',
  'log.busy': 'error.busy',
  'log.unavailable': 'error.log_away',
  'log.unknown_outcome': 'error.log_away',
  'log.full': 'error.log_full',
  'files.full': 'error.files_full',
  'warehouse.unavailable': 'error.warehouse_away',
  'warehouse.full': 'error.warehouse_away',
  'warehouse.busy': 'error.busy',
  'http.429': 'error.busy',
  'http.503': 'error.unreachable',
};

/** Codes of an adapter that doesn't answer: `telegram.unavailable`. */
const CHANNEL_AWAY = /^(?!log\.|warehouse\.).+\.unavailable$/;

/** Whether a code has a sentence in the reader's language. Pure. */
export const isKnown = (code: string): boolean => KNOWN[code] !== undefined || CHANNEL_AWAY.test(code);

export function sentence(code: string, fallback: string): string {
  const key = KNOWN[code] ?? (CHANNEL_AWAY.test(code) ? 'error.channel_away' : undefined);
  return key === undefined ? fallback || t('error.other', { code }) : t(key);
}

/** Messages wait for a log that is away; what somebody does with a button or a form doesn't. */
const NOW: Readonly<Record<string, TextKey>> = {
  'log.unavailable': 'error.log_away_now',
  'log.unknown_outcome': 'error.log_away_now',
  'log.full': 'error.log_full_now',
};

/** Why something that was done could not be. */
export function explain(error: unknown): string {
  const { code = 'unknown', message = '' } = error as Partial<Err> | Problem;
  const key = NOW[code];
  return key === undefined ? sentence(code, message) : t(key);
}
