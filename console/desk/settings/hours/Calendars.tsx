import { createUniqueId, For, Index, Show, type JSX } from 'solid-js';
import type { CalendarOut } from '../../../api/rest.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { createAsked } from '../kit/asked.ts';
import { now } from '../../store/now.ts';
import { listAll } from '../kit/api.ts';
import { TextField } from '../fields/controls.tsx';
import { Field } from '../fields/Field.tsx';
import type { Form, Wrong } from '../kit/form.ts';
import { NameLink, NewLink } from '../kit/links.tsx';
import { Listing } from '../kit/Listing.tsx';
import { RecordPage, type Spec } from '../kit/RecordPage.tsx';
import { Routed } from '../kit/Routed.tsx';
import { t } from '../texts.ts';
import { DAYS, faultOf, recordOf, specialRecordOf, specialsOf, weekOf, type Special, type Week } from './hours.ts';
import { Intervals } from './Intervals.tsx';
import { dayName, timeIn, weekText, zones } from './words.ts';
import s from './hours.module.css';

interface Calendar {
  readonly name: string;
  readonly zone: string;
  readonly week: Week;
  readonly special: readonly Special[];
}

const USUAL = [{ from: '09:00', to: '18:00' }];

/** Business calendars: the list, or one of them. */
export function Calendars(): JSX.Element {
  return <Routed noun="calendars" list={() => <List />} one={(id) => <One id={id} />} />;
}

function List(): JSX.Element {
  const asked = createAsked(() => listAll<CalendarOut>('calendars'));
  return (
    <Listing
      title={t('page.calendars')}
      hint={t('calendars.hint')}
      icon="calendar"
      asked={asked}
      testid="calendar-row"
      rowId={(row) => row.id}
      empty={{ title: t('calendars.empty'), hint: t('calendars.empty_hint') }}
      action={<NewLink noun="calendars">{t('calendars.new')}</NewLink>}
      columns={[
        {
          title: t('field.name'),
          cell: (row) => (
            <NameLink noun="calendars" id={row.id}>
              {row.name}
            </NameLink>
          ),
        },
        { title: t('field.week'), cell: (row) => weekText(weekOf(row.week)) },
        { title: t('field.zone'), isRare: true, cell: (row) => row.zone },
        { title: t('field.special'), isRare: true, cell: (row) => String(row.special.length) },
      ]}
    />
  );
}

const check = (value: Calendar): Wrong => {
  const found: Record<string, string> = {};
  if (value.week.some((day) => faultOf(day) !== '')) found['week'] = t('invalid.week');
  const dates = value.special.map(({ date }) => date);
  if (dates.some((date) => date === '') || new Set(dates).size < dates.length || value.special.some(({ hours }) => faultOf(hours) !== '')) found['special'] = t('invalid.special');
  return found;
};

function One(props: { readonly id: string }): JSX.Element {
  const spec: Spec<CalendarOut, Calendar> = {
    noun: 'calendars',
    kind: 'calendar',
    blank: () => ({ name: '', zone: Intl.DateTimeFormat().resolvedOptions().timeZone, week: DAYS.map((day) => (day < 5 ? USUAL : [])), special: [] }),
    valueOf: ({ name, zone, week, special }) => ({ name, zone, week: weekOf(week), special: specialsOf(special) }),
    bodyOf: ({ name, zone, week, special }) => ({ name: name.trim(), zone: zone.trim(), week: recordOf(week), special: specialRecordOf(special) }),
    check,
    nameOf: ({ name }) => name,
    tell: {
      name: (field) => t(`field.${field}`),
      value: (field, value) => {
        if (field === 'week') return weekText(value as Week);
        if (field === 'special') return (value as readonly Special[]).map(specialText).join('; ') || '–';
        return String(value);
      },
    },
    words: () => ({ back: t('calendars.back'), new: t('calendars.new') }),
  };
  return (
    <RecordPage
      spec={spec}
      id={props.id}
      canRemove={() => true}
      fields={(form) => (
        <>
          <TextField form={form} name="name" label={t('field.name')} required />
          <Zone form={form} />
          <Field form={form} name="week" label={t('field.week')} help={t('hours.help')} group>
            {() => <WeekRows form={form} />}
          </Field>
          <Field form={form} name="special" label={t('field.special')} help={t('special.help')} group>
            {() => <SpecialRows form={form} />}
          </Field>
        </>
      )}
    />
  );
}

export const specialText = ({ date, name, hours }: Special): string =>
  `${date}${name && ` ${name}`}: ${hours.map(({ from, to }) => `${from}–${to}`).join(', ') || t('hours.closed')}`;

function Zone(props: { readonly form: Form<Calendar> }): JSX.Element {
  const list = createUniqueId();
  const time = (): string => timeIn(props.form.value.zone, now());
  return (
    <Field form={props.form} name="zone" label={t('field.zone')} help={time() ? t('zone.now', { time: time() }) : t('zone.help')} required>
      {(tied) => (
        <>
          <input {...tied()} class="field" list={list} autocomplete="off" spellcheck={false} value={props.form.value.zone} onInput={(event) => props.form.set('zone', event.currentTarget.value)} />
          <datalist id={list}>
            <For each={zones()}>{(zone) => <option value={zone} />}</For>
          </datalist>
        </>
      )}
    </Field>
  );
}

function WeekRows(props: { readonly form: Form<Calendar> }): JSX.Element {
  const week = (): Week => props.form.value.week;
  const put = (day: number, hours: Week[number]): void => props.form.set('week', week().map((one, n) => (n === day ? hours : one)));
  const spread = (): void => props.form.set('week', week().map((one, n) => (n > 0 && n < 5 ? (week()[0] ?? []) : one)));
  return (
    <div class={s['week']}>
      <For each={DAYS}>
        {(day) => (
          <div class={s['day']}>
            <span class={s['name']}>{dayName(day)}</span>
            <Intervals label={dayName(day)} value={week()[day] ?? []} onChange={(hours) => put(day, hours)} testid={`day-${day}`} />
          </div>
        )}
      </For>
      <div>
        <button class="btn" type="button" data-testid="spread" onClick={spread}>
          <Icon name="copy" />
          {t('hours.spread')}
        </button>
      </div>
    </div>
  );
}

function SpecialRows(props: { readonly form: Form<Calendar> }): JSX.Element {
  let box!: HTMLDivElement;
  const days = (): readonly Special[] => props.form.value.special;
  const put = (index: number, next: Partial<Special>): void => props.form.set('special', days().map((one, n) => (n === index ? { ...one, ...next } : one)));
  const add = (): void => {
    props.form.set('special', [...days(), { date: '', name: '', hours: [] }]);
    queueMicrotask(() => [...box.querySelectorAll<HTMLElement>('input[type="date"]')].at(-1)?.focus());
  };
  const remove = (index: number): void => {
    props.form.set('special', days().filter((_one, n) => n !== index));
    queueMicrotask(() => box.querySelector<HTMLElement>('[data-add-day]')?.focus());
  };
  return (
    <div class={s['week']} ref={box}>
      <Index each={days()}>
        {(one, n) => (
          <div class={s['special']} data-testid="special">
            <input class={`field ${s['date']}`} type="date" aria-label={t('special.date', { n: n + 1 })} value={one().date} onInput={(event) => put(n, { date: event.currentTarget.value })} />
            <input class="field" maxlength={80} placeholder={t('special.name')} aria-label={t('special.name_of', { n: n + 1 })} value={one().name} onInput={(event) => put(n, { name: event.currentTarget.value })} />
            <button class="ib" type="button" aria-label={t('special.remove', { date: one().date || String(n + 1) })} onClick={() => remove(n)}>
              <Icon name="trash" />
            </button>
            <div class={s['hoursOf']}>
              <Intervals label={one().date || t('special.date', { n: n + 1 })} value={one().hours} onChange={(hours) => put(n, { hours })} testid={`special-${n}`} />
            </div>
          </div>
        )}
      </Index>
      <div>
        <button class="btn" type="button" data-add-day="" data-testid="special-add" onClick={add}>
          <Icon name="plus" />
          {t('special.add')}
        </button>
        <Show when={days().length === 0}>
          <span class={s['none']}>{t('special.none')}</span>
        </Show>
      </div>
    </div>
  );
}
