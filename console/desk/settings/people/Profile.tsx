import { createEffect, createSignal, on, type JSX } from 'solid-js';
import type { ProfileOut } from '../../../api/rest.ts';
import { call } from '../../../ui/rest.ts';
import { useDesk } from '../../store/desk.ts';
import { followLocale } from '../../words/language.ts';
import { explained } from '../errors.ts';
import { useMe } from '../me.ts';
import { ChoiceField, TextField } from '../fields/controls.tsx';
import { createForm, type Stored } from '../kit/form.ts';
import { createAsked } from '../kit/asked.ts';
import { Fetched } from '../kit/Listing.tsx';
import { RecordForm } from '../kit/RecordForm.tsx';
import { roleName } from '../roles/names.ts';
import { t } from '../texts.ts';
import k from '../kit/kit.module.css';
import s from './people.module.css';
import { Sessions } from './Sessions.tsx';
import { heading } from '../kit/heading.ts';

interface Own {
  readonly name: string;
  readonly locale: string;
}

/** Minimum length of a password; the node enforces it (`agent.password_weak`). */
const PASSWORD_MIN = 10;

/** Page of oneself: name, language, password, where one is signed in. */
export function Profile(): JSX.Element {
  const me = useMe();
  // Read anew: the form says which revision it changes.
  const asked = createAsked(() => call<ProfileOut>('GET', 'me'));
  const [passwords, setPasswords] = createSignal(0);
  /** Another password is another revision of the same record, and the end of the other sessions. */
  const changed = (): void => {
    asked.again();
    setPasswords((n) => n + 1);
  };
  return (
    <>
      <header class="head">
        <h1 tabindex="-1" ref={heading}>
          {t('page.profile')}
        </h1>
        <span class={k['kind']}>
          {me().agent.email} · {roleName(me().agent.role)}
        </span>
      </header>
      <div class={s['profile']} tabindex="0" role="region" aria-label={t('page.profile')}>
        <Fetched asked={asked}>{(own) => <OwnForm own={own()} />}</Fetched>
        <section class={k['section']} aria-labelledby="own-password">
          <h2 id="own-password">{t('password.title')}</h2>
          <p class={s['hint']}>{t('password.hint')}</p>
          <PasswordForm onSaved={changed} />
        </section>
        <section class={k['section']} aria-labelledby="own-sessions">
          <h2 id="own-sessions">{t('sessions.title')}</h2>
          <div class={s['part']}>
            <Sessions path="sessions" isOwn turn={passwords()} />
          </div>
        </section>
      </div>
    </>
  );
}

const stored = (me: ProfileOut): Stored<Own> => ({ value: { name: me.agent.name, locale: me.agent.locale }, revision: me.revision });

function OwnForm(props: { readonly own: ProfileOut }): JSX.Element {
  const desk = useDesk();
  const form = createForm<Own>({
    begin: stored(props.own),
    save: async (value, revision) => stored(await call<ProfileOut>('PUT', 'me', { ...value, name: value.name.trim() }, '', { 'If-Match': `"${revision}"` })),
    reload: async () => stored(await call<ProfileOut>('GET', 'me')),
    explain: explained,
    onSaved({ value }) {
      desk.renamed(value.name);
      void desk.colleagues.refresh();
      void followLocale(value.locale);
    },
  });
  createEffect(on(() => props.own, (own) => form.moved(stored(own)), { defer: true }));
  return (
    <RecordForm
      isInline
      form={form}
      tell={{
        name: (field) => t(`field.${field}`),
        value: (field, value) => (field === 'locale' ? languageName(String(value)) : String(value)),
      }}
    >
      <TextField form={form} name="name" label={t('field.person')} help={t('profile.name_help')} autocomplete="name" required />
      <ChoiceField
        form={form}
        name="locale"
        label={t('field.locale')}
        required
        options={['', 'zh-CN', 'en'].map((id) => ({ id, name: languageName(id) }))}
      />
    </RecordForm>
  );
}

const languageName = (locale: string): string => (locale === 'zh-CN' ? '中文' : locale === 'en' ? 'English' : locale === '' ? t('locale.browser') : locale);

function PasswordForm(props: { readonly onSaved: () => void }): JSX.Element {
  const empty = { password: '', new_password: '' };
  const form = createForm<typeof empty>({
    begin: { value: empty, revision: 1 },
    save: async (value) => {
      await call('PUT', 'me/password', value);
      return { value: empty, revision: 1 };
    },
    check: (value): Record<string, string> => {
      if (value.password === '') return { password: t('invalid.needed') };
      return [...value.new_password].length < PASSWORD_MIN ? { new_password: t('password.rule', { n: PASSWORD_MIN }) } : {};
    },
    explain: explained,
    onSaved: () => props.onSaved(),
  });
  return (
    <RecordForm isInline form={form} submit={t('password.save')} done={t('password.saved')}>
      <TextField form={form} name="password" label={t('password.old')} type="password" autocomplete="current-password" required />
      <TextField form={form} name="new_password" label={t('password.new')} help={t('password.rule', { n: PASSWORD_MIN })} type="password" autocomplete="new-password" required />
    </RecordForm>
  );
}
