import { createEffect, For, Show, type JSX } from 'solid-js';
import type { RoleOut } from '../../../api/rest.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { createAsked } from '../kit/asked.ts';
import { fetchRoles, type Roles as Known } from '../known.ts';
import { useMe } from '../me.ts';
import { TextField } from '../fields/controls.tsx';
import { Field } from '../fields/Field.tsx';
import type { Form } from '../kit/form.ts';
import { Head } from '../kit/Head.tsx';
import { NameLink, NewLink } from '../kit/links.tsx';
import { Fetched, Listing } from '../kit/Listing.tsx';
import { RecordPage, type Spec } from '../kit/RecordPage.tsx';
import { Routed } from '../kit/Routed.tsx';
import { t } from '../texts.ts';
import { actionName, BUILT_IN, grouped, roleName } from './names.ts';
import s from './roles.module.css';

interface Role {
  readonly name: string;
  readonly actions: readonly string[];
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly actions: readonly string[];
  readonly isOwn: boolean;
}

const isBuiltIn = (id: string): boolean => BUILT_IN.some((one) => one === id);

/** Roles: those that every tenant has, to read; the tenant's own, to edit. */
export function Roles(): JSX.Element {
  return <Routed noun="roles" list={() => <List />} one={(id) => (isBuiltIn(id) ? <BuiltIn id={id} /> : <One id={id} />)} />;
}

function List(): JSX.Element {
  const asked = createAsked(async (): Promise<readonly Row[]> => {
    const roles = await fetchRoles();
    return [
      ...roles.builtIn.map(({ id, actions }) => ({ id, name: '', actions, isOwn: false })),
      ...roles.own.map(({ id, name, actions }) => ({ id, name, actions, isOwn: true })),
    ];
  });
  return (
    <Listing
      title={t('page.roles')}
      hint={t('roles.hint')}
      icon="role"
      asked={asked}
      testid="role-row"
      rowId={(row) => row.id}
      empty={{ title: t('roles.empty'), hint: t('roles.empty_hint') }}
      action={<NewLink noun="roles">{t('roles.new')}</NewLink>}
      columns={[
        {
          title: t('field.name'),
          cell: (row) => (
            <>
              <NameLink noun="roles" id={row.id}>
                {row.name || roleName(row.id)}
              </NameLink>
              <small>{t(row.isOwn ? 'roles.own' : 'roles.built_in')}</small>
            </>
          ),
        },
        { title: t('roles.may'), cell: (row) => summary(row) },
        { title: t('roles.count'), isRare: true, cell: (row) => String(row.actions.length) },
      ]}
    />
  );
}

/** A built-in role in a sentence; an own one by what it is about. */
const summary = (row: Row): string => {
  const found = BUILT_IN.find((one) => one === row.id);
  return found === undefined ? grouped(row.actions).map(({ name }) => t(name)).join(t('value.join')) || '–' : t(`role_is.${found}`);
};

function BuiltIn(props: { readonly id: string }): JSX.Element {
  const asked = createAsked(fetchRoles);
  const actions = (roles: Known): readonly string[] => roles.builtIn.find(({ id }) => id === props.id)?.actions ?? [];
  return (
    <>
      <Head noun="roles" back={t('roles.back')} title={roleName(props.id)} note={t('roles.built_in')} />
      <Fetched asked={asked}>
        {(roles) => (
          <div class={s['read']} tabindex="0" role="region" aria-label={roleName(props.id)}>
            <p>{summary({ id: props.id, name: '', actions: [], isOwn: false })}</p>
            <For each={grouped(actions(roles()))}>
              {(group) => (
                <section>
                  <h2>{t(group.name)}</h2>
                  <ul>
                    <For each={group.actions}>{(action) => <li>{actionName(action)}</li>}</For>
                  </ul>
                </section>
              )}
            </For>
          </div>
        )}
      </Fetched>
    </>
  );
}

function One(props: { readonly id: string }): JSX.Element {
  const me = useMe();
  const known = createAsked(fetchRoles);
  const isOwnRole = (): boolean => me().agent.role === props.id && props.id !== '';
  const spec: Spec<RoleOut, Role> = {
    noun: 'roles',
    kind: 'role',
    blank: () => ({ name: '', actions: [] }),
    valueOf: ({ name, actions }) => ({ name, actions }),
    bodyOf: (value) => ({ name: value.name.trim(), actions: [...value.actions].sort() }),
    nameOf: ({ name }) => name,
    tell: {
      name: (field) => t(`field.${field}`),
      value: (_field, value) => (Array.isArray(value) ? (value as string[]).map(actionName).join(t('value.join')) || '–' : String(value)),
    },
    words: () => ({ back: t('roles.back'), new: t('roles.new') }),
  };
  return (
    <Fetched asked={known}>
      {(roles) => (
        <RecordPage
          spec={spec}
          id={props.id}
          note={() => t('roles.own')}
          canRemove={() => true}
          isLocked={() => isOwnRole()}
          fields={(form) => (
            <>
              <Show when={isOwnRole()}>
                <p class={s['locked']}>
                  <Icon name="lock" />
                  {t('roles.yours')}
                </p>
              </Show>
              <TextField form={form} name="name" label={t('field.name')} disabled={isOwnRole()} required />
              <Actions form={form} roles={roles()} isLocked={isOwnRole()} />
            </>
          )}
        />
      )}
    </Fetched>
  );
}

/** Check boxes for every action, by what it is about; what this person may not do themselves can't be given. */
function Actions(props: { readonly form: Form<Role>; readonly roles: Known; readonly isLocked: boolean }): JSX.Element {
  const chosen = (): readonly string[] => props.form.value.actions;
  const isMine = (action: string): boolean => props.roles.yours.includes(action);
  const toggle = (actions: readonly string[], isOn: boolean): void =>
    props.form.set('actions', [...chosen().filter((one) => !actions.includes(one)), ...(isOn ? actions : [])].sort());
  const all = (): readonly string[] => [...new Set([...props.roles.actions, ...chosen()])];
  return (
    <Field form={props.form} name="actions" label={t('field.actions')} help={props.roles.actions.every(isMine) ? undefined : t('roles.lacking')} group>
      {() => (
        <div class={s['groups']}>
          <For each={grouped(all())}>
            {(group) => {
              const open = (): readonly string[] => group.actions.filter(isMine);
              return (
                <fieldset class={s['group']} disabled={props.isLocked}>
                  <legend>{t(group.name)}</legend>
                  <Show when={open().length > 1}>
                    <All name={t(group.name)} of={open().length} chosen={open().filter((action) => chosen().includes(action)).length} onChange={(isOn) => toggle(open(), isOn)} />
                  </Show>
                  <ul>
                    <For each={group.actions}>
                      {(action) => (
                        <li>
                          <label>
                            <input
                              type="checkbox"
                              checked={chosen().includes(action)}
                              disabled={!isMine(action)}
                              data-testid={`action-${action}`}
                              onChange={(event) => toggle([action], event.currentTarget.checked)}
                            />
                            <span>
                              {actionName(action)}
                              <Show when={!isMine(action)}>
                                <small>{t('roles.not_yours')}</small>
                              </Show>
                            </span>
                          </label>
                        </li>
                      )}
                    </For>
                  </ul>
                </fieldset>
              );
            }}
          </For>
        </div>
      )}
    </Field>
  );
}

/** Check box for a whole group: between, where some of it is chosen. */
function All(props: { readonly name: string; readonly of: number; readonly chosen: number; readonly onChange: (isOn: boolean) => void }): JSX.Element {
  let box!: HTMLInputElement;
  createEffect(() => (box.indeterminate = props.chosen > 0 && props.chosen < props.of));
  return (
    <label class={s['all']}>
      <input ref={box} type="checkbox" checked={props.chosen === props.of} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      <span>
        {t('roles.all')}
        <span class="vh"> {props.name}</span>
      </span>
    </label>
  );
}
