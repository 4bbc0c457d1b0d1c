/** The pages of settings in their order, each with the action that who sees it must be allowed. Pure. */
import type { IconName } from '../../ui/icons/icons.ts';
import { settingsHref } from '../store/address.ts';

export interface Entry {
  readonly id: 'profile' | 'agents' | 'teams' | 'inboxes' | 'channels' | 'calendars' | 'skills' | 'roles' | 'audit';
  readonly icon: IconName;
  /** Empty: everybody. */
  readonly action: string;
  readonly href: string;
}

const entry = (id: Entry['id'], icon: IconName, action: string, href = settingsHref(id)): Entry => ({ id, icon, action, href });

export const ENTRIES: readonly Entry[] = [
  entry('profile', 'user', ''),
  entry('agents', 'contact', 'agent.manage'),
  entry('teams', 'team', 'team.manage'),
  entry('inboxes', 'inbox', 'inbox.manage'),
  entry('channels', 'plug', 'inbox.manage', '#/channels'),
  entry('calendars', 'calendar', 'setting.manage'),
  entry('skills', 'skill', 'setting.manage'),
  entry('roles', 'role', 'role.manage'),
  entry('audit', 'book', 'audit.read'),
];

/** What somebody sees of them, by what they may do. */
export const seen = (mayDo: (action: string) => boolean): readonly Entry[] => ENTRIES.filter(({ action }) => action === '' || mayDo(action));
