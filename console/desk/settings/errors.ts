/** Refusals of settings in the reader's locale: by code, then by the field that is at fault, else as the desk says them. */
import { Problem } from '../../ui/rest.ts';
import { explain, isKnown } from '../words/errors.ts';
import { actionName } from './roles/names.ts';
import { t, type SettingsKey } from './texts.ts';

const CODES: Readonly<Record<string, SettingsKey>> = {
  'resource.changed': 'error.changed',
  'record.changed': 'error.changed',
  'settings.if_match': 'error.changed',
  'role.above_yours': 'error.above_yours',
  'reach.above_yours': 'error.reach_above',
  'agent.above_you': 'error.above_you',
  'agent.last_owner': 'error.last_owner',
  'agent.own_role': 'error.own_role',
  'agent.inactive': 'error.inactive',
  'agent.password_weak': 'error.password_weak',
  'agent.name_missing': 'invalid.name',
  'agent.name_long': 'invalid.name',
  'record.in_use': 'error.in_use',
  'record.too_many': 'error.too_many',
  'invitation.too_many': 'error.too_many',
  'audit.busy': 'error.audit_busy',
  'bucket.too_large': 'error.too_large',
  'bucket.unreadable': 'error.unreadable',
  'internal.error': 'error.internal',
  'access.forbidden': 'error.forbidden',
  'access.admins_only': 'error.forbidden',
  'inbox.origins': 'invalid.origins',
  'id.token': 'invalid.id',
  'session.bad_credentials': 'error.password_wrong',
  'network.unreachable': 'error.unreachable',
};

/** `team.taken`, `team.not_found` and the like of every kind. */
const ENDINGS: Readonly<Record<string, SettingsKey>> = { taken: 'error.taken', not_found: 'error.gone' };

/** Fields with a sentence of their own about what they take. */
const FIELDS: Readonly<Record<string, SettingsKey>> = {
  id: 'invalid.id',
  name: 'invalid.name',
  greeting: 'invalid.greeting',
  origins: 'invalid.origins',
  accent: 'invalid.accent',
  locale: 'invalid.locale',
  reopen_window_s: 'invalid.reopen_window_s',
  opens_on: 'invalid.opens_on',
  capacity: 'invalid.capacity',
  teams: 'invalid.teams',
  inboxes: 'invalid.inboxes',
  team: 'invalid.team',
  role: 'invalid.role',
  calendar: 'invalid.calendar',
  zone: 'invalid.zone',
  week: 'invalid.week',
  special: 'invalid.special',
  actions: 'invalid.actions',
};

const INVALID = new Set(['record.invalid', 'body.invalid']);

const endingOf = (code: string): string => code.slice(code.indexOf('.') + 1);

/** Whether a refusal is said in the reader's language, whatever the node's sentence is. Pure. */
export const hasSentence = (code: string): boolean => CODES[code] !== undefined || ENDINGS[endingOf(code)] !== undefined || INVALID.has(code) || isKnown(code);

const USES: Readonly<Record<string, SettingsKey>> = { agent: 'uses.agents', inbox: 'uses.inboxes', invitation: 'uses.invitations', team: 'uses.teams' };

/** By how many of what a record is used, out of the node's sentence: "It is used by 2 agents and 1 inbox; ...". */
export function usesOf(sentence: string): readonly { readonly what: SettingsKey; readonly n: number }[] {
  return [...sentence.matchAll(/(\d{1,9}) (?:open )?(agent|inbox|invitation|team)/g)].flatMap(([, n, what]) => {
    const key = USES[what ?? ''];
    return key === undefined ? [] : [{ what: key, n: Number(n) }];
  });
}

/** The actions that the node's sentence about `role.above_yours` names. */
export const lackingIn = (sentence: string): readonly string[] => sentence.match(/\b[a-z]+\.[a-z_]+\b/g) ?? [];

/** Why something could not be done, in one sentence. */
export function explained(error: unknown): string {
  if (!(error instanceof Problem)) return explain(error);
  const uses = error.code === 'record.in_use' ? usesOf(error.message) : [];
  if (uses.length > 0) return t('error.in_use_by', { what: uses.map(({ what, n }) => t(what, { n })).join(t('value.join')) });
  const lacking = error.code === 'role.above_yours' ? lackingIn(error.message) : [];
  if (lacking.length > 0) return t('error.above_yours_these', { what: lacking.map(actionName).join(t('value.join')) });
  const key = CODES[error.code] ?? ENDINGS[endingOf(error.code)] ?? (INVALID.has(error.code) ? FIELDS[error.field] : undefined);
  return key === undefined ? explain(error) : t(key);
}
