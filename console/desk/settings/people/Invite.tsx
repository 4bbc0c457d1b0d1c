import { createSignal, For, Show, type JSX } from 'solid-js';
import type { InvitationLink, InvitationOut } from '../../../api/rest.ts';
import { exact } from '../../../ui/format.ts';
import { createAsked } from '../kit/asked.ts';
import { settingsHref } from '../../store/address.ts';
import { explained } from '../errors.ts';
import { createNamed, fetchRoles, nameIn, roleOptions, withNone } from '../known.ts';
import { createKeys, createOne, listAll, removeOne } from '../kit/api.ts';
import { ChoiceField } from '../fields/controls.tsx';
import { CopyBox } from '../kit/CopyBox.tsx';
import { createForm } from '../kit/form.ts';
import { Head } from '../kit/Head.tsx';
import { Fetched } from '../kit/Listing.tsx';
import { RecordForm } from '../kit/RecordForm.tsx';
import { roleName } from '../roles/names.ts';
import { locale, t } from '../texts.ts';
import k from '../kit/kit.module.css';
import s from './people.module.css';

interface Wanted {
  readonly role: string;
  readonly team: string;
}

const EMPTY: Wanted = { role: 'agent', team: '' };

/** An invitation: what somebody will be, then the link, which is shown this once. */
export function Invite(): JSX.Element {
  const [made, setMade] = createSignal<InvitationLink>();
  return (
    <>
      <Head noun="agents" back={t('agents.back')} title={t('agents.invite')} />
      <Show when={made()} fallback={<InviteForm onMade={setMade} />}>
        {(one) => (
          <div class={s['made']} role="region" aria-label={t('invite.made')} data-testid="invitation">
            <p role="status">{t('invite.once', { time: exact(one().exp * 1000, locale()) })}</p>
            <CopyBox testid="invitation-link" label={t('invite.link')} text={one().link} help={t('invite.link_help')} />
            <div class={s['acts']}>
              <button class="btn" type="button" onClick={() => setMade(undefined)}>
                {t('invite.another')}
              </button>
              <a class="btn" href={settingsHref('agents')} data-testid="invite-done">
                {t('agents.back')}
              </a>
            </div>
          </div>
        )}
      </Show>
    </>
  );
}

function InviteForm(props: { readonly onMade: (made: InvitationLink) => void }): JSX.Element {
  const teams = createNamed('teams');
  const roles = createAsked(fetchRoles);
  const keyOf = createKeys();
  const form = createForm<Wanted>({
    begin: { value: EMPTY, revision: 0 },
    save: async (value) => {
      const made = await createOne<InvitationLink>('invitations', value, keyOf(value));
      props.onMade(made);
      return { value, revision: made.revision };
    },
    explain: explained,
  });
  return (
    <div class={s['profile']}>
      <Fetched asked={roles}>
        {(known) => (
          <RecordForm form={form} submit={t('invite.make')}>
            <p class={s['hint']}>{t('invite.hint')}</p>
            <ChoiceField form={form} name="role" label={t('field.role')} required options={roleOptions(known())} />
            <ChoiceField form={form} name="team" label={t('field.team')} help={t('invite.team_help')} required options={withNone(teams(), t('team.none'))} />
          </RecordForm>
        )}
      </Fetched>
    </div>
  );
}

/** Open invitations, without their links, which nobody can see again. */
export function Invitations(): JSX.Element {
  const asked = createAsked(() => listAll<InvitationOut>('invitations'));
  const teams = createNamed('teams');
  const roles = createNamed('roles');
  const [problem, setProblem] = createSignal('');
  const [said, setSaid] = createSignal('');
  const remove = async (one: InvitationOut): Promise<void> => {
    setProblem('');
    try {
      await removeOne('invitations', one.id, one.revision);
      setSaid(t('invitations.removed'));
      asked.again();
    } catch (error) {
      setProblem(explained(error));
    }
  };
  return (
    <section class={s['open']} aria-labelledby="open-invitations">
      <h2 id="open-invitations">{t('invitations.title')}</h2>
      <Fetched asked={asked}>
        {(all) => (
          <Show when={all().length > 0} fallback={<p data-testid="no-invitations">{t('invitations.none')}</p>}>
            <table class={k['table']}>
              <thead>
                <tr>
                  <th scope="col">{t('field.role')}</th>
                  <th scope="col">{t('field.team')}</th>
                  <th scope="col">{t('field.exp')}</th>
                  <th scope="col">
                    <span class="vh">{t('remove')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                <For each={all()}>
                  {(one) => (
                    <tr data-testid="invitation-row">
                      <th scope="row">{roleName(one.role, roles())}</th>
                      <td>{one.team ? nameIn(teams(), one.team) : '–'}</td>
                      <td>{exact(one.exp * 1000, locale())}</td>
                      <td>
                        <button class="btn" type="button" data-testid="invitation-remove" onClick={() => void remove(one)}>
                          {t('invitations.remove')}
                        </button>
                      </td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
          </Show>
        )}
      </Fetched>
      <p role="status" class={said() ? undefined : 'vh'}>
        {said()}
      </p>
      <p class={s['bad']} role="alert">
        {problem()}
      </p>
    </section>
  );
}
