import type { JSX } from 'solid-js';
import type { TeamOut } from '../../../api/rest.ts';
import { createAsked } from '../kit/asked.ts';
import { useDesk } from '../../store/desk.ts';
import { createNamed, nameIn, withNone } from '../known.ts';
import { listAll } from '../kit/api.ts';
import { ChoiceField, TextField } from '../fields/controls.tsx';
import { NameLink, NewLink } from '../kit/links.tsx';
import { Listing } from '../kit/Listing.tsx';
import { RecordPage, type Spec } from '../kit/RecordPage.tsx';
import { Routed } from '../kit/Routed.tsx';
import { t } from '../texts.ts';
import k from '../kit/kit.module.css';

interface Team {
  readonly name: string;
  readonly calendar: string;
}

/** Teams: the list, or one of them. */
export function Teams(): JSX.Element {
  return <Routed noun="teams" list={() => <List />} one={(id) => <One id={id} />} />;
}

function List(): JSX.Element {
  const asked = createAsked(() => listAll<TeamOut>('teams'));
  const calendars = createNamed('calendars');
  const desk = useDesk();
  void desk.colleagues.refresh();
  const people = (team: string): string => desk.colleagues.all.filter((one) => one.team === team).map(({ name }) => name).join(t('value.join'));
  return (
    <Listing
      title={t('page.teams')}
      hint={t('teams.hint')}
      icon="team"
      asked={asked}
      testid="team-row"
      rowId={(row) => row.id}
      empty={{ title: t('teams.empty'), hint: t('teams.empty_hint') }}
      action={<NewLink noun="teams">{t('teams.new')}</NewLink>}
      columns={[
        {
          title: t('field.name'),
          cell: (row) => (
            <NameLink noun="teams" id={row.id}>
              {row.name}
            </NameLink>
          ),
        },
        { title: t('field.calendar'), cell: (row) => (row.calendar ? nameIn(calendars(), row.calendar) : <span class={k['quiet']}>{t('calendar.always')}</span>) },
        { title: t('field.agents'), isRare: true, cell: (row) => people(row.id) || <span class={k['quiet']}>–</span> },
      ]}
    />
  );
}

function One(props: { readonly id: string }): JSX.Element {
  const calendars = createNamed('calendars');
  const spec: Spec<TeamOut, Team> = {
    noun: 'teams',
    kind: 'team',
    blank: () => ({ name: '', calendar: '' }),
    valueOf: ({ name, calendar }) => ({ name, calendar }),
    bodyOf: (value) => ({ ...value, name: value.name.trim() }),
    nameOf: ({ name }) => name,
    tell: {
      name: (field) => t(`field.${field}`),
      value: (field, value) => (field === 'calendar' ? nameIn(calendars(), String(value)) || t('calendar.always') : String(value)),
    },
    words: () => ({ back: t('teams.back'), new: t('teams.new') }),
  };
  return (
    <RecordPage
      spec={spec}
      id={props.id}
      canRemove={() => true}
      fields={(form) => (
        <>
          <TextField form={form} name="name" label={t('field.name')} required />
          <ChoiceField form={form} name="calendar" label={t('field.calendar')} help={t('teams.calendar_help')} required options={withNone(calendars(), t('calendar.always'))} />
        </>
      )}
    />
  );
}
