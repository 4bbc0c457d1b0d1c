import type { JSX } from 'solid-js';
import type { SkillOut } from '../../../api/rest.ts';
import { createAsked } from '../kit/asked.ts';
import { listAll } from '../kit/api.ts';
import { TextField } from '../fields/controls.tsx';
import { NameLink, NewLink } from '../kit/links.tsx';
import { Listing } from '../kit/Listing.tsx';
import { RecordPage, type Spec } from '../kit/RecordPage.tsx';
import { Routed } from '../kit/Routed.tsx';
import { t } from '../texts.ts';

interface Skill {
  readonly name: string;
}

/** Skills: the list, or one of them. */
export function Skills(): JSX.Element {
  return <Routed noun="skills" list={() => <List />} one={(id) => <One id={id} />} />;
}

function List(): JSX.Element {
  const asked = createAsked(() => listAll<SkillOut>('skills'));
  return (
    <Listing
      title={t('page.skills')}
      hint={t('skills.hint')}
      icon="skill"
      asked={asked}
      testid="skill-row"
      rowId={(row) => row.id}
      empty={{ title: t('skills.empty'), hint: t('skills.empty_hint') }}
      action={<NewLink noun="skills">{t('skills.new')}</NewLink>}
      columns={[
        {
          title: t('field.name'),
          cell: (row) => (
            <NameLink noun="skills" id={row.id}>
              {row.name}
            </NameLink>
          ),
        },
      ]}
    />
  );
}

function One(props: { readonly id: string }): JSX.Element {
  const spec: Spec<SkillOut, Skill> = {
    noun: 'skills',
    kind: 'skill',
    blank: () => ({ name: '' }),
    valueOf: ({ name }) => ({ name }),
    bodyOf: (value) => ({ ...value, name: value.name.trim() }),
    nameOf: ({ name }) => name,
    tell: {
      name: (field) => t(`field.${field}`),
      value: (_field, value) => String(value),
    },
    words: () => ({ back: t('skills.back'), new: t('skills.new') }),
  };
  return (
    <RecordPage
      spec={spec}
      id={props.id}
      canRemove={() => true}
      fields={(form) => <TextField form={form} name="name" label={t('field.name')} help={t('skills.name_help')} required />}
    />
  );
}
