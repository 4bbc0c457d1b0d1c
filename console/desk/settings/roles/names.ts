/** Roles and actions in plain words. */
import { t, type SettingsKey } from '../texts.ts';

export const BUILT_IN = ['owner', 'admin', 'supervisor', 'agent', 'inspector', 'auditor'] as const;
type BuiltIn = (typeof BUILT_IN)[number];

const isBuiltIn = (role: string): role is BuiltIn => BUILT_IN.some((one) => one === role);

/** A role's name: of those that every tenant has in the reader's language, else as the tenant calls it, else its id. */
export const roleName = (role: string, own: readonly { readonly id: string; readonly name: string }[] = []): string =>
  isBuiltIn(role) ? t(`role.${role}`) : (own.find(({ id }) => id === role)?.name ?? role);

/** Key of an action's words; an action of a newer node keeps its own name. */
const ACTIONS: Readonly<Record<string, SettingsKey>> = {
  'conversation.read': 'action.conversation.read',
  'conversation.list': 'action.conversation.list',
  'conversation.write': 'action.conversation.write',
  'conversation.note': 'action.conversation.note',
  'conversation.mark': 'action.conversation.mark',
  'conversation.signal': 'action.conversation.signal',
  'conversation.take': 'action.conversation.take',
  'conversation.assign': 'action.conversation.assign',
  'conversation.release': 'action.conversation.release',
  'conversation.release_others': 'action.conversation.release_others',
  'conversation.resolve': 'action.conversation.resolve',
  'conversation.reopen': 'action.conversation.reopen',
  'conversation.close': 'action.conversation.close',
  'profile.manage': 'action.profile.manage',
  'message.search': 'action.message.search',
  'report.read': 'action.report.read',
  'presence.choose': 'action.presence.choose',
  'agent.list': 'action.agent.list',
  'agent.manage': 'action.agent.manage',
  'inbox.list': 'action.inbox.list',
  'inbox.manage': 'action.inbox.manage',
  'team.list': 'action.team.list',
  'team.manage': 'action.team.manage',
  'contact.sign_out': 'action.contact.sign_out',
  'setting.manage': 'action.setting.manage',
  'role.manage': 'action.role.manage',
  'key.manage': 'action.key.manage',
  'audit.read': 'action.audit.read',
  'tenant.manage': 'action.tenant.manage',
};

export const actionName = (action: string): string => {
  const key = ACTIONS[action];
  return key === undefined ? action : t(key);
};

/** Where an action stands among those of its group. */
const PLACES = new Map(Object.keys(ACTIONS).map((action, n) => [action, n]));

const NOUNS: Readonly<Record<string, SettingsKey>> = {
  conversation: 'noun.conversation',
  message: 'noun.message',
  report: 'noun.message',
  presence: 'noun.self',
  profile: 'noun.self',
  contact: 'noun.contact',
  agent: 'noun.people',
  team: 'noun.people',
  role: 'noun.people',
  inbox: 'noun.inbox',
  setting: 'noun.inbox',
  key: 'noun.tenant',
  audit: 'noun.tenant',
  tenant: 'noun.tenant',
};

export interface Group {
  readonly name: SettingsKey;
  readonly actions: readonly string[];
}

const ORDER = ['noun.conversation', 'noun.message', 'noun.contact', 'noun.people', 'noun.inbox', 'noun.tenant', 'noun.self', 'noun.other'] as const;

/** Actions by what they are about, in the order of words here, those of a newer node last. Pure. */
export function grouped(actions: readonly string[]): readonly Group[] {
  const place = (action: string): number => PLACES.get(action) ?? PLACES.size;
  const inOrder = [...new Set(actions)].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const nounOf = (action: string): SettingsKey => NOUNS[action.slice(0, action.indexOf('.'))] ?? 'noun.other';
  return ORDER.map((name) => ({ name, actions: inOrder.filter((action) => nounOf(action) === name) })).filter((group) => group.actions.length > 0);
}
