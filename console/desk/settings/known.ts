/** Names for the ids that records hold, fetched once a page: what isn't told to this person stays an id. */
import { createSignal, onCleanup, type Accessor } from 'solid-js';
import type { ActionsOut, RoleOut } from '../../api/rest.ts';
import { call } from '../../ui/rest.ts';
import { listAll, type Noun } from './kit/api.ts';
import type { Option } from './fields/controls.tsx';
import { roleName } from './roles/names.ts';
import { t } from './texts.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The records of a noun, empty until they come and where they aren't told. */
export function createNamed(noun: Noun): Accessor<readonly Named[]> {
  const [all, setAll] = createSignal<readonly Named[]>([]);
  let isGone = false;
  onCleanup(() => (isGone = true));
  void listAll<Named>(noun).then(
    (found) => isGone || setAll(found),
    () => undefined,
  );
  return all;
}

export const nameIn = (all: readonly Named[], id: string): string => all.find((one) => one.id === id)?.name ?? id;
export const namesIn = (all: readonly Named[], ids: readonly string[]): string => ids.map((id) => nameIn(all, id)).join(t('value.join'));

/** Options of a choice that may be left empty. */
export const withNone = (all: readonly Named[], none: string): readonly Option[] => [{ id: '', name: none }, ...all.map(({ id, name }) => ({ id, name }))];

export interface Roles {
  /** Ids of the roles that every tenant has, with their actions. */
  readonly builtIn: readonly { readonly id: string; readonly actions: readonly string[] }[];
  readonly own: readonly RoleOut[];
  readonly actions: readonly string[];
  readonly yours: readonly string[];
}

/** Every role; the tenant's own ones only where this person may look after them. */
export async function fetchRoles(): Promise<Roles> {
  const [{ roles, actions, yours }, own] = await Promise.all([
    call<ActionsOut>('GET', 'settings/roles/actions'),
    listAll<RoleOut>('roles').catch((): readonly RoleOut[] => []),
  ]);
  return { builtIn: roles, own, actions, yours };
}

/** Roles to choose from; one that allows more than this person may do says so. */
export function roleOptions(roles: Roles | undefined): readonly Option[] {
  if (roles === undefined) return [];
  return [...roles.builtIn, ...roles.own].map((role) => ({
    id: role.id,
    name: roleName(role.id, roles.own),
    because: role.actions.every((action) => roles.yours.includes(action)) ? '' : t('role.above'),
  }));
}
