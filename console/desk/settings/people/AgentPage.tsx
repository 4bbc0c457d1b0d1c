import { createSignal, Show, type JSX } from 'solid-js';
import type { AgentSettings, ResetLink } from '../../../api/rest.ts';
import { exact } from '../../../ui/format.ts';
import { call } from '../../../ui/rest.ts';
import { createAsked } from '../kit/asked.ts';
import { useDesk } from '../../store/desk.ts';
import { explained } from '../errors.ts';
import { createNamed, fetchRoles, nameIn, namesIn, roleOptions, withNone } from '../known.ts';
import { useMe } from '../me.ts';
import { saveOne } from '../kit/api.ts';
import { Ask } from '../kit/Ask.tsx';
import { ChecksField, ChoiceField, NumberField, TextField } from '../fields/controls.tsx';
import { CopyBox } from '../kit/CopyBox.tsx';
import { RecordPage, type Spec } from '../kit/RecordPage.tsx';
import { roleName } from '../roles/names.ts';
import { locale, t } from '../texts.ts';
import { seenText, State } from './State.tsx';
import { Sessions } from './Sessions.tsx';
import k from '../kit/kit.module.css';

export interface Edited {
  readonly name: string;
  readonly role: string;
  readonly team: string;
  readonly teams: readonly string[];
  readonly reach: string;
  readonly inboxes: readonly string[];
  readonly capacity: number;
}

const REACHES = ['all', 'teams', 'inboxes', 'own'] as const;
const bodyOf = (value: Edited, active: boolean): object => ({ ...value, name: value.name.trim(), active });
const valueOf = ({ name, role, team, teams, reach, inboxes, capacity }: AgentSettings): Edited => ({ name, role, team, teams, reach, inboxes, capacity });

/** One agent: what they may do, whom they answer, and at the right whether they can sign in and where they are. */
export function AgentPage(props: { readonly id: string }): JSX.Element {
  const desk = useDesk();
  const me = useMe();
  const teams = createNamed('teams');
  const inboxes = createNamed('inboxes');
  const roles = createAsked(fetchRoles);
  const isOwn = (): boolean => me().agent.id === props.id;
  const ownHelp = (help: string): string => (isOwn() ? t('agent.own') : help);
  const spec: Spec<AgentSettings, Edited> = {
    noun: 'agents',
    kind: 'agent',
    blank: () => ({ name: '', role: 'agent', team: '', teams: [], reach: 'all', inboxes: [], capacity: 6 }),
    valueOf,
    // Whether they can sign in is changed at the right, never by saving the form.
    bodyOf: (value) => bodyOf(value, current()?.active ?? true),
    nameOf: ({ name }) => name,
    tell: {
      name: (field) => t(`field.${field}`),
      value: (field, value) => {
        if (field === 'role') return roleName(String(value), roles.value()?.own);
        if (field === 'reach') return t(`reach.${value as (typeof REACHES)[number]}`);
        if (field === 'team') return value ? nameIn(teams(), String(value)) : t('team.none');
        if (Array.isArray(value)) return namesIn(field === 'inboxes' ? inboxes() : teams(), value as string[]) || '–';
        return String(value);
      },
    },
    words: () => ({ back: t('agents.back'), new: t('agents.invite') }),
    onChanged: () => void desk.colleagues.refresh(),
  };
  let current: () => AgentSettings | undefined = () => undefined;
  return (
    <RecordPage
      spec={spec}
      id={props.id}
      note={(record) => record.email}
      fields={(form, record) => {
        current = record;
        return (
          <>
            <TextField form={form} name="name" label={t('field.person')} help={t('profile.name_help')} required />
            <ChoiceField form={form} name="role" label={t('field.role')} help={ownHelp(t('agent.role_help'))} disabled={isOwn()} required options={roleOptions(roles.value())} />
            <ChoiceField form={form} name="team" label={t('field.team')} required options={withNone(teams(), t('team.none'))} />
            <ChecksField form={form} name="teams" label={t('field.teams')} options={teams().filter(({ id }) => id !== form.value.team)} none={t('teams.empty')} />
            <ChoiceField
              form={form}
              name="reach"
              label={t('field.reach')}
              help={ownHelp(t('agent.reach_help'))}
              disabled={isOwn()}
              required
              options={REACHES.map((id) => ({ id, name: t(`reach.${id}`) }))}
            />
            <Show when={form.value.reach === 'inboxes' || form.value.inboxes.length > 0}>
              <ChecksField form={form} name="inboxes" label={t('field.inboxes')} disabled={isOwn()} options={inboxes()} none={t('inboxes.empty')} />
            </Show>
            <NumberField form={form} name="capacity" label={t('field.capacity')} help={t('agent.capacity_help')} min={0} max={100} required />
          </>
        );
      }}
      aside={(record, _form, onChanged) => (
        <Show when={record()}>
          {(agent) => (
            <>
              <Access
                agent={agent()}
                isOwn={isOwn()}
                onChanged={(next) => {
                  onChanged(next);
                  void desk.colleagues.refresh();
                }}
              />
              <Show when={agent().active && !isOwn()}>
                <Reset agent={agent()} />
              </Show>
              <section>
                <h2>{t('sessions.title')}</h2>
                <Show when={agent().active} fallback={<p class={k['hint']}>{t('sessions.none')}</p>}>
                  <Sessions path={`agents/${encodeURIComponent(agent().id)}/sessions`} isOwn={false} />
                </Show>
              </section>
            </>
          )}
        </Show>
      )}
    />
  );
}

/** Whether they can sign in; deactivating asks first, since it ends what they are doing. */
function Access(props: { readonly agent: AgentSettings; readonly isOwn: boolean; readonly onChanged: (agent: AgentSettings) => void }): JSX.Element {
  const [isAsked, setAsked] = createSignal(false);
  const [isBusy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal('');
  const change = async (active: boolean): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      props.onChanged(await saveOne<AgentSettings>('agents', props.agent.id, bodyOf(valueOf(props.agent), active), props.agent.revision));
      setAsked(false);
    } catch (error) {
      setProblem(explained(error));
    }
    setBusy(false);
  };
  return (
    <section>
      <h2>{t('access.title')}</h2>
      <p>
        <State agent={props.agent} />
      </p>
      <p class={k['hint']}>{props.agent.active ? t('access.seen', { time: seenText(props.agent.seen) }) : t('access.inactive')}</p>
      <Show when={!props.isOwn} fallback={<p class={k['hint']}>{t('agent.own')}</p>}>
        <div class={k['acts']}>
          <Show
            when={props.agent.active}
            fallback={
              <button class="btn" type="button" disabled={isBusy()} data-testid="activate" onClick={() => void change(true)}>
                {t('access.activate')}
              </button>
            }
          >
            <button class="btn danger" type="button" data-testid="deactivate" onClick={() => (setProblem(''), setAsked(true))}>
              {t('access.deactivate')}
            </button>
          </Show>
        </div>
        <p class={k['bad']} role="alert">
          {isAsked() ? '' : problem()}
        </p>
      </Show>
      <Show when={isAsked()}>
        <Ask
          testid="deactivation"
          title={t('access.title_ask', { name: props.agent.name })}
          keep={t('remove.keep')}
          go={t('access.deactivate')}
          problem={problem()}
          isBusy={isBusy()}
          onKeep={() => setAsked(false)}
          onGo={() => void change(false)}
        >
          {t('access.ask')}
        </Ask>
      </Show>
    </section>
  );
}

/** A link by which they set another password; shown once. */
function Reset(props: { readonly agent: AgentSettings }): JSX.Element {
  const [made, setMade] = createSignal<ResetLink>();
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const make = async (): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      setMade(await call<ResetLink>('POST', `settings/agents/${encodeURIComponent(props.agent.id)}/reset`, {}));
    } catch (error) {
      setProblem(explained(error));
    }
    setBusy(false);
  };
  return (
    <section>
      <h2>{t('password.title')}</h2>
      <Show
        when={made()}
        fallback={
          <>
            <p class={k['hint']}>{t('reset.hint')}</p>
            <div class={k['acts']}>
              <button class="btn" type="button" disabled={isBusy()} data-testid="reset" onClick={() => void make()}>
                {t('reset.make')}
              </button>
            </div>
          </>
        }
      >
        {(one) => (
          <>
            <p role="status" class={k['hint']}>
              {t('reset.once', { time: exact(one().exp * 1000, locale()) })}
            </p>
            <CopyBox testid="reset-link" label={t('reset.link')} text={one().link} />
          </>
        )}
      </Show>
      <p class={k['bad']} role="alert">
        {problem()}
      </p>
    </section>
  );
}
