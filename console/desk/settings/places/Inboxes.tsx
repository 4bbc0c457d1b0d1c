import { createMemo, Show, type JSX } from 'solid-js';
import type { InboxSettings } from '../../../api/rest.ts';
import { ChannelGlyph, Icon } from '../../../ui/Icon.tsx';
import { initial } from '../../../ui/format.ts';
import { readableAccent } from '../../../ui/style/contrast.ts';
import { channelName } from '../../channels/words.ts';
import { createAsked } from '../kit/asked.ts';
import { accountHref, addHref } from '../../store/address.ts';
import { useDesk } from '../../store/desk.ts';
import { createNamed, nameIn, withNone } from '../known.ts';
import { listAll } from '../kit/api.ts';
import { AreaField, ChoiceField, ColourField, LinesField, TextField } from '../fields/controls.tsx';
import { CopyBox } from '../kit/CopyBox.tsx';
import { spanOf } from '../fields/duration.ts';
import { DurationField } from '../fields/DurationField.tsx';
import type { Form } from '../kit/form.ts';
import { NameLink, NewLink } from '../kit/links.tsx';
import { Listing } from '../kit/Listing.tsx';
import { RecordPage, type Spec } from '../kit/RecordPage.tsx';
import { Routed } from '../kit/Routed.tsx';
import { t } from '../texts.ts';
import { snippet } from './snippet.ts';
import k from '../kit/kit.module.css';
import s from './inboxes.module.css';

interface Inbox {
  readonly id: string;
  readonly name: string;
  readonly greeting: string;
  readonly origins: readonly string[];
  readonly accent: string;
  readonly locale: string;
  readonly reopen_window_s: number;
  readonly team: string;
  /** One of `OPENINGS`, or a newer version's word, which is shown as it is. */
  readonly opens_on: string;
}

const OPENINGS = ['asked', 'entered', 'never'] as const;
const openingName = (value: string): string => {
  const known = OPENINGS.find((one) => one === value);
  return known === undefined ? value : t(`opens.${known}`);
};

/** Channels whose customers come to this server themselves: they see the greeting, and sites show it. */
const isVisited = (channel: string | undefined): boolean => channel === undefined || channel === 'web' || channel === 'app';

/** Inboxes: the list, or one of them; what belongs to an account on a channel stands under *Channels*. */
export function Inboxes(): JSX.Element {
  return <Routed noun="inboxes" list={() => <List />} one={(id) => <One id={id} />} />;
}

function List(): JSX.Element {
  const asked = createAsked(() => listAll<InboxSettings>('inboxes'));
  const teams = createNamed('teams');
  return (
    <Listing
      title={t('page.inboxes')}
      hint={t('inboxes.hint')}
      icon="inbox"
      asked={asked}
      testid="inbox-row"
      rowId={(row) => row.id}
      empty={{ title: t('inboxes.empty'), hint: t('inboxes.empty_hint') }}
      action={
        <>
          <a class={`btn ${k['second']}`} href={addHref()}>
            <Icon name="plug" />
            {t('inboxes.connect')}
          </a>
          <NewLink noun="inboxes">{t('inboxes.new')}</NewLink>
        </>
      }
      columns={[
        {
          title: t('field.name'),
          cell: (row) => (
            <>
              <NameLink noun="inboxes" id={row.id}>
                {row.name}
              </NameLink>
              <small>{row.id}</small>
            </>
          ),
        },
        {
          title: t('field.channel'),
          cell: (row) => (
            <span class={s['channel']}>
              <ChannelGlyph channel={row.channel} />
              {channelName(row.channel)}
            </span>
          ),
        },
        { title: t('field.team'), cell: (row) => (row.team ? nameIn(teams(), row.team) : <span class={k['quiet']}>{t('team.everybody')}</span>) },
        { title: t('field.greeting'), isRare: true, cell: (row) => <span class={s['clip']}>{row.greeting || '–'}</span> },
      ]}
    />
  );
}

export const languageOf = (locale: string): string =>
  locale === '' ? t('locale.visitor') : locale === 'zh-CN' ? '中文' : locale === 'en' ? 'English' : locale;

function One(props: { readonly id: string }): JSX.Element {
  const desk = useDesk();
  const teams = createNamed('teams');
  const spec: Spec<InboxSettings, Inbox> = {
    noun: 'inboxes',
    kind: 'inbox',
    blank: () => ({ id: '', name: '', greeting: '', origins: ['*'], accent: '#0A6B62', locale: '', reopen_window_s: 259_200, team: '', opens_on: 'asked' }),
    valueOf: ({ id, name, greeting, origins, accent, locale, reopen_window_s, team, opens_on }) => ({ id, name, greeting, origins, accent, locale, reopen_window_s, team, opens_on }),
    bodyOf: ({ id, ...value }, isNew) => ({ ...value, name: value.name.trim(), ...(isNew && id.trim() ? { id: id.trim() } : {}) }),
    nameOf: ({ name }) => name,
    tell: {
      name: (field) => t(`field.${field}`),
      value: (field, value) => {
        if (field === 'team') return value ? nameIn(teams(), String(value)) : t('team.everybody');
        if (field === 'opens_on') return openingName(String(value));
        if (field === 'locale') return languageOf(String(value));
        if (field === 'reopen_window_s') return durationText(Number(value));
        return Array.isArray(value) ? value.join(', ') : String(value);
      },
    },
    words: () => ({ back: t('inboxes.back'), new: t('inboxes.new') }),
    onChanged: () => void desk.channels.refresh(),
  };
  return (
    <RecordPage
      spec={spec}
      id={props.id}
      note={(record) => `${channelName(record.channel)} · ${record.id}`}
      fields={(form, record) => (
        <>
          <TextField form={form} name="name" label={t('field.name')} help={t('inboxes.name_help')} required />
          <Show when={record() === undefined}>
            <TextField form={form} name="id" label={t('field.id')} help={t('inboxes.id_help')} />
          </Show>
          <ChoiceField form={form} name="team" label={t('field.team')} help={t('inboxes.team_help')} required options={withNone(teams(), t('team.everybody'))} />
          <DurationField form={form} name="reopen_window_s" label={t('field.reopen_window_s')} help={t('inboxes.reopen_help')} required />
          <Show when={!isVisited(record()?.channel)}>
            <ChoiceField form={form} name="opens_on" label={t('field.opens_on')} help={t('inboxes.opens_help')} required options={OPENINGS.map((id) => ({ id, name: openingName(id) }))} />
          </Show>
          <AreaField form={form} name="greeting" label={t('field.greeting')} help={t(isVisited(record()?.channel) ? 'inboxes.greeting_help' : 'inboxes.greeting_wordless')} />
          <Show when={isVisited(record()?.channel)}>
            <ChoiceField form={form} name="locale" label={t('field.locale')} required options={['', 'zh-CN', 'en'].map((id) => ({ id, name: languageOf(id) }))} />
            <ColourField form={form} name="accent" label={t('field.accent')} help={t('inboxes.accent_help')} required />
            <LinesField form={form} name="origins" label={t('field.origins')} help={t('inboxes.origins_help')} required />
          </Show>
        </>
      )}
      aside={(record, form) => (
        <>
          <Show when={isVisited(record()?.channel)}>
            <Preview form={form} />
          </Show>
          <Show when={record()?.channel === 'web' ? record() : undefined}>
            {(web) => (
              <section>
                <h2>{t('snippet.title')}</h2>
                <CopyBox testid="snippet" label={t('snippet.label')} text={snippet(location.origin, web().id)} help={t('snippet.help')} isLong />
                <p class={k['hint']}>
                  {t('snippet.hosted')}{' '}
                  <a class={k['link']} href={`/w/${web().id}`} target="_blank" rel="noopener">
                    {`${location.origin}/w/${web().id}`}
                  </a>
                </p>
              </section>
            )}
          </Show>
          <Show when={isVisited(record()?.channel) ? undefined : record()}>
            {(other) => (
              <section>
                <h2>{t('page.channels')}</h2>
                <p class={k['hint']}>{t('inboxes.account')}</p>
                <p>
                  <a class={k['link']} href={accountHref(other().id)}>
                    {t('inboxes.account_link', { channel: channelName(other().channel) })}
                  </a>
                </p>
              </section>
            )}
          </Show>
          <Show when={record() === undefined}>
            <section>
              <h2>{t('snippet.title')}</h2>
              <p class={k['hint']}>{t('snippet.later')}</p>
            </section>
          </Show>
        </>
      )}
    />
  );
}

export function durationText(seconds: number): string {
  const { n, unit } = spanOf(seconds);
  return t(`duration.of_${unit}`, { n });
}

/** The widget's colours and greeting as a visitor sees them, in the theme of this page. */
function Preview(props: { readonly form: Form<Inbox> }): JSX.Element {
  const surface = (): string => getComputedStyle(document.documentElement).getPropertyValue('--surface').trim();
  const colours = createMemo(() => readableAccent(props.form.value.accent, surface()));
  const style = () => ({ '--accent': colours()?.accent ?? '', '--on-accent': colours()?.onAccent ?? '' });
  const isMoved = (): boolean => colours() !== null && colours()?.accent.toLowerCase() !== props.form.value.accent.toLowerCase();
  return (
    <section>
      <h2>{t('preview.title')}</h2>
      <Show when={colours()} fallback={<p class={k['hint']}>{t('preview.none')}</p>}>
        <div class={s['widget']} style={style()} data-testid="preview" data-accent={colours()?.accent}>
          <header>
            <span class={s['face']}>{initial(props.form.value.name || '–')}</span>
            <b class="cut">{props.form.value.name || t('preview.unnamed')}</b>
          </header>
          <p class={s['hello']}>{props.form.value.greeting || t('preview.greeting')}</p>
          <p class={s['mine']}>{t('preview.visitor')}</p>
          <span class={s['bubble']} aria-hidden="true">
            <Icon name="bubble" />
          </span>
        </div>
        <Show when={isMoved()}>
          <p class={k['hint']}>{t('preview.moved', { colour: colours()?.accent.toUpperCase() ?? '' })}</p>
        </Show>
      </Show>
    </section>
  );
}
