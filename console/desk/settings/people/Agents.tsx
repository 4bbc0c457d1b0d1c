import type { JSX } from 'solid-js';
import type { AgentSettings } from '../../../api/rest.ts';
import { createAsked } from '../kit/asked.ts';
import { useDesk } from '../../store/desk.ts';
import { createNamed, nameIn } from '../known.ts';
import { listAll } from '../kit/api.ts';
import { NameLink, NewLink } from '../kit/links.tsx';
import { Listing } from '../kit/Listing.tsx';
import { Routed } from '../kit/Routed.tsx';
import { roleName } from '../roles/names.ts';
import { t } from '../texts.ts';
import { AgentPage } from './AgentPage.tsx';
import { Invitations, Invite } from './Invite.tsx';
import { seenText, State } from './State.tsx';
import k from '../kit/kit.module.css';

/** People: the list with open invitations, one agent, or the form of an invitation. */
export function Agents(): JSX.Element {
  return <Routed noun="agents" list={() => <List />} one={(id) => (id === '' ? <Invite /> : <AgentPage id={id} />)} />;
}

function List(): JSX.Element {
  const desk = useDesk();
  void desk.colleagues.refresh();
  const asked = createAsked(async () => {
    const all = await listAll<AgentSettings>('agents');
    return [...all.filter(({ active }) => active), ...all.filter(({ active }) => !active)];
  });
  const teams = createNamed('teams');
  const roles = createNamed('roles');
  return (
    <Listing
      title={t('page.agents')}
      hint={t('agents.hint')}
      icon="contact"
      asked={asked}
      testid="agent-row"
      rowId={(row) => row.id}
      empty={{ title: t('agents.empty'), hint: t('agents.empty_hint') }}
      action={
        <NewLink noun="agents" icon="assign">
          {t('agents.invite')}
        </NewLink>
      }
      more={<Invitations />}
      columns={[
        {
          title: t('field.person'),
          cell: (row) => (
            <>
              <NameLink noun="agents" id={row.id}>
                {row.name}
              </NameLink>
              <small>{row.email}</small>
            </>
          ),
        },
        { title: t('field.role'), cell: (row) => roleName(row.role, roles()) },
        { title: t('field.team'), cell: (row) => (row.team ? nameIn(teams(), row.team) : <span class={k['quiet']}>–</span>) },
        { title: t('field.state'), cell: (row) => <State agent={row} /> },
        { title: t('field.seen'), isRare: true, cell: (row) => <span class={row.seen === 0 ? k['quiet'] : undefined}>{seenText(row.seen)}</span> },
      ]}
    />
  );
}
