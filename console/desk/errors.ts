/** What went wrong, in the reader's language: by stable code, else the node's own sentence. */
import { Problem, type Err } from '../client/index.ts';
import { t, type TextKey } from './texts.ts';

const KNOWN: Readonly<Record<string, TextKey>> = {
  offline: 'error.offline',
  timeout: 'error.timeout',
  'network.unreachable': 'error.unreachable',
  'session.bad_credentials': 'error.credentials',
  'invitation.gone': 'error.invitation',
  'agent.email_taken': 'error.email_taken',
  'agent.password_weak': 'error.password',
  'agent.name_missing': 'error.name',
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
  'file.too_large': 'error.file_large',
  'file.type_refused': 'error.file_type',
  'file.empty': 'error.file_empty',
  'file.too_many_pixels': 'error.file_large',
  'text.too_long': 'error.text_long',
  'limit.rate': 'error.busy',
  'limit.conversations': 'error.too_many_open',
  'file.failed': 'error.file',
  'http.429': 'error.busy',
  'http.503': 'error.unreachable',
};

export function sentence(code: string, fallback: string): string {
  const key = KNOWN[code];
  return key === undefined ? fallback || t('error.other', { code }) : t(key);
}

export function explain(error: unknown): string {
  if (error instanceof Problem) return sentence(error.code, error.message);
  const refusal = error as Partial<Err>;
  return sentence(refusal.code ?? 'unknown', refusal.message ?? '');
}
