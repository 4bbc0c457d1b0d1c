/** Changes of records in words: what was changed, and each field before and after. Pure, but for the reader's language. */
import type { AuditEntry, SpecialDay, WeeklyHours } from '../../../api/rest.ts';
import { specialsOf, weekOf } from '../hours/hours.ts';
import { weekText } from '../hours/words.ts';
import { spanOf } from '../fields/duration.ts';
import { actionName, roleName } from '../roles/names.ts';
import { t, type SettingsKey } from '../texts.ts';

/** Names of the ids that records hold. */
export interface Names {
  of(kind: 'team' | 'inbox' | 'agent' | 'calendar' | 'role' | 'skill', id: string): string;
}

const KINDS: Readonly<Record<string, SettingsKey>> = {
  tenant: 'kind.tenant',
  inbox: 'kind.inbox',
  agent: 'kind.agent',
  invitation: 'kind.invitation',
  team: 'kind.team',
  skill: 'kind.skill',
  calendar: 'kind.calendar',
  role: 'kind.role',
  reset: 'kind.reset',
};
/** Kinds to choose from: an agent's changes are told with those of links for their password. */
export const AUDITED = Object.keys(KINDS).filter((kind) => kind !== 'reset');

/** Fields that say nothing beside the title. */
const SILENT = new Set(['id', 'tenant']);

/** The fields of a change that are worth a line: of what was made, those that hold something. */
export const told = ({ what, fields }: Pick<AuditEntry, 'what' | 'fields'>): AuditEntry['fields'] =>
  what === 'removed' ? [] : fields.filter(({ field, after }) => !SILENT.has(field) && (what === 'changed' || !isEmpty(after)));

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

export const kindName = (kind: string): string => {
  const key = KINDS[kind];
  return key === undefined ? kind : t(key);
};

const FIELDS: Readonly<Record<string, SettingsKey>> = {
  id: 'field.id',
  name: 'field.name',
  email: 'field.email',
  password: 'field.password',
  role: 'field.role',
  team: 'field.team',
  teams: 'field.teams',
  inboxes: 'field.inboxes',
  reach: 'field.reach',
  capacity: 'field.capacity',
  locale: 'field.locale',
  active: 'field.active',
  channel: 'field.channel',
  origins: 'field.origins',
  accent: 'field.accent',
  greeting: 'field.greeting',
  reopen_window_s: 'field.reopen_window_s',
  opens_on: 'field.opens_on',
  settings: 'field.settings',
  calendar: 'field.calendar',
  zone: 'field.zone',
  week: 'field.week',
  special: 'field.special',
  actions: 'field.actions',
  exp: 'field.exp',
  hash: 'field.link',
};

export const fieldName = (field: string): string => {
  const key = FIELDS[field];
  return key === undefined ? field : t(key);
};

const MARKS: Readonly<Record<string, SettingsKey>> = { '(set)': 'value.set', '(another)': 'value.another', '(not kept)': 'value.not_kept' };
const REACHES: Readonly<Record<string, SettingsKey>> = { all: 'reach.all', teams: 'reach.teams', inboxes: 'reach.inboxes', own: 'reach.own' };

const OPENINGS: Readonly<Record<string, SettingsKey>> = { asked: 'opens.asked', entered: 'opens.entered', never: 'opens.never' };

const joined = (values: readonly string[]): string => values.join(t('value.join')) || t('value.none');

/** A value of a field; what is empty, or wasn't there, is said as nothing. */
export function valueText(field: string, value: unknown, names: Names, time: (at: number) => string): string {
  if (value === null || value === undefined || value === '') return t('value.none');
  if (typeof value === 'string' && MARKS[value] !== undefined) return t(MARKS[value]);
  if (typeof value === 'boolean') return t(value ? 'value.yes' : 'value.no');
  switch (field) {
    case 'role':
      return roleName(String(value), [{ id: String(value), name: names.of('role', String(value)) }]);
    case 'team':
      return names.of('team', String(value));
    case 'calendar':
      return names.of('calendar', String(value));
    case 'reach': {
      const key = REACHES[String(value)];
      return key === undefined ? String(value) : t(key);
    }
    case 'exp':
      return time(Number(value) * 1000);
    case 'opens_on': {
      const key = OPENINGS[String(value)];
      return key === undefined ? String(value) : t(key);
    }
    case 'reopen_window_s': {
      const { n, unit } = spanOf(Number(value));
      return t(`duration.of_${unit}`, { n });
    }
  }
  if (!Array.isArray(value)) return typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (field === 'teams') return joined(value.map((id) => names.of('team', String(id))));
  if (field === 'inboxes') return joined(value.map((id) => names.of('inbox', String(id))));
  if (field === 'actions') return joined(value.map((action) => actionName(String(action))));
  if (field === 'week') return weekText(weekOf(value as WeeklyHours[]));
  if (field === 'special') return joined(specialsOf(value as SpecialDay[]).map(({ date, name, hours }) => `${date}${name && ` ${name}`}: ${hours.map(({ from, to }) => `${from}–${to}`).join(' ') || t('hours.closed')}`));
  return joined(value.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))));
}

/** A record's name as it is known now, as the change itself tells it, or its id. */
export function recordName({ kind, id, fields }: Pick<AuditEntry, 'kind' | 'id' | 'fields'>, names: Names): string {
  if (kind === 'invitation') return '';
  const known = kind === 'reset' ? names.of('agent', id) : kind === 'tenant' ? id : names.of(kind as 'team', id);
  if (known !== id) return known;
  const told = fields.find(({ field }) => field === 'name');
  const name = told?.after ?? told?.before;
  return typeof name === 'string' && name !== '' ? name : id;
}

const TITLES = { made: 'audit.made', changed: 'audit.changed', removed: 'audit.removed' } as const;

/** Changed the inbox Web */
export function title(entry: Pick<AuditEntry, 'kind' | 'id' | 'what' | 'fields'>, names: Names): string {
  return t(TITLES[entry.what], { kind: kindName(entry.kind), name: recordName(entry, names) }).trim();
}

/** What the system did by itself, said in the reader's language. */
const WHYS: Readonly<Record<string, SettingsKey>> = {
  'invitation accepted': 'why.accepted',
  'password set by a link': 'why.reset',
  'no owner was left': 'why.no_owner',
};
export const whyText = (why: string): string => {
  const key = WHYS[why];
  return key === undefined ? why : t(key);
};

/** Noun of settings that shows a record of a kind; empty: no page does. */
const NOUNS: Readonly<Record<string, string>> = { inbox: 'inboxes', agent: 'agents', reset: 'agents', team: 'teams', skill: 'skills', calendar: 'calendars', role: 'roles' };
export const nounOf = (kind: string): string => NOUNS[kind] ?? '';
