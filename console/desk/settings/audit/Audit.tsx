import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import type { AuditEntry } from '../../../api/rest.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { exact } from '../../../ui/format.ts';
import { call } from '../../../ui/rest.ts';
import { delayed } from '../../common/delayed.ts';
import { auditHref, settingsHref } from '../../store/address.ts';
import { isWell } from '../../store/connection.ts';
import { useDesk } from '../../store/desk.ts';
import { go } from '../../store/route.ts';
import { explained } from '../errors.ts';
import { createNamed } from '../known.ts';
import { at } from '../kit/at.ts';
import { useMay } from '../me.ts';
import { locale, t } from '../texts.ts';
import { AUDITED, fieldName, kindName, nounOf, recordName, title, told, valueText, whyText, type Names } from './describe.ts';
import k from '../kit/kit.module.css';
import s from './audit.module.css';
import { heading } from '../kit/heading.ts';

const PAGE = 50;

interface Page {
  readonly items: readonly AuditEntry[];
  readonly next: string | null;
}

interface Wanted {
  readonly kind: string;
  readonly id: string;
  readonly by: string;
}

/** Who changed what: the newest change first, each field before and after; narrowed by kind, record and person. */
export function Audit(): JSX.Element {
  const desk = useDesk();
  const now = at('audit');
  const wanted = createMemo<Wanted>(() => ({ kind: now().query['kind'] ?? '', id: now().query['id'] ?? '', by: now().query['by'] ?? '' }), { kind: '', id: '', by: '' }, {
    equals: (one, other) => JSON.stringify(one) === JSON.stringify(other),
  });
  const names = createNames();
  const [items, setItems] = createSignal<readonly AuditEntry[]>();
  const [next, setNext] = createSignal<string | null>(null);
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  let turn = 0;
  onCleanup(() => (turn += 1));
  const load = async (after: string): Promise<void> => {
    const mine = (turn += 1);
    setProblem('');
    setBusy(true);
    try {
      const query = new URLSearchParams({ limit: String(PAGE), ...Object.fromEntries(Object.entries({ ...wanted(), after }).filter(([, value]) => value !== '')) });
      const page = await call<Page>('GET', `settings/audit?${query.toString()}`);
      if (mine !== turn) return;
      setItems((before) => (after === '' ? page.items : [...(before ?? []), ...page.items]));
      setNext(page.next);
    } catch (error) {
      if (mine === turn) setProblem(explained(error));
    }
    if (mine === turn) setBusy(false);
  };
  createEffect(
    on(wanted, () => {
      setItems(undefined);
      void load('');
    }),
  );
  let wasAway = false;
  createEffect(() => {
    const isBack = isWell(desk.connection);
    if (isBack && wasAway && problem()) void load('');
    wasAway = !isBack;
  });
  const isSlow = delayed(() => items() === undefined && problem() === '');
  const narrow = (more: Partial<Wanted>): void => go(auditHref({ ...wanted(), ...more }));
  const isNarrow = (): boolean => Object.values(wanted()).some((one) => one !== '');
  return (
    <>
      <header class="head">
        <h1 tabindex="-1" ref={heading}>
          {t('page.audit')}
        </h1>
        <span class="grow" />
        <span class={k['kind']}>{t('audit.zone', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}</span>
      </header>
      <div class={s['bar']} role="group" aria-label={t('audit.filters')}>
        <label>
          <span>{t('audit.kind')}</span>
          <select class="field" data-testid="audit-kind" onChange={(event) => narrow({ kind: event.currentTarget.value, id: '' })}>
            <For each={['', ...AUDITED]}>
              {(kind) => (
                <option value={kind} selected={kind === wanted().kind}>
                  {kind === '' ? t('audit.every_kind') : capital(kindName(kind))}
                </option>
              )}
            </For>
          </select>
        </label>
        <label>
          <span>{t('audit.person')}</span>
          <select class="field" data-testid="audit-by" onChange={(event) => narrow({ by: event.currentTarget.value })}>
            <For each={[{ id: '', name: t('audit.everybody') }, ...names.people(), { id: 'trunkline', name: t('audit.operator') }]}>
              {(one) => (
                <option value={one.id} selected={one.id === wanted().by}>
                  {one.name}
                </option>
              )}
            </For>
          </select>
        </label>
        <Show when={wanted().id}>
          {(id) => (
            <span class={s['only']} data-testid="audit-only">
              {t('audit.only', { name: recordName({ kind: wanted().kind, id: id(), fields: items()?.flatMap((one) => one.fields) ?? [] }, names) || id() })}
              <button class="ib" type="button" aria-label={t('audit.all_records')} onClick={() => narrow({ id: '' })}>
                <Icon name="close" />
              </button>
            </span>
          )}
        </Show>
        <Show when={isNarrow()}>
          <a class="btn" href={auditHref({})}>
            {t('audit.clear')}
          </a>
        </Show>
      </div>
      <div class={k['scroll']} tabindex="0" role="region" aria-label={t('page.audit')} aria-busy={isBusy()}>
        <Show when={problem() && items() === undefined}>
          <div class="empty" role="alert" data-testid="failed">
            <Icon name={isWell(desk.connection) ? 'alert' : 'offline'} />
            <h2>{t(isWell(desk.connection) ? 'list.failed' : 'list.offline')}</h2>
            <p>{isWell(desk.connection) ? problem() : t('list.offline_hint')}</p>
            <button class="btn" type="button" data-testid="again" onClick={() => void load('')}>
              {t('retry')}
            </button>
          </div>
        </Show>
        <Show when={isSlow()}>
          <div class={k['ghosts']} aria-hidden="true">
            <For each={[0, 1, 2, 3]}>{() => <i class="sk" />}</For>
          </div>
        </Show>
        <Show when={items()}>
          {(all) => (
            <Show
              when={all().length > 0}
              fallback={
                <div class="empty" data-testid="empty">
                  <Icon name="book" />
                  <h2>{t(isNarrow() ? 'audit.nothing' : 'audit.empty')}</h2>
                  <p>{t(isNarrow() ? 'audit.nothing_hint' : 'audit.empty_hint')}</p>
                </div>
              }
            >
              <ol class={s['log']}>
                <For each={all()}>{(entry) => <Entry entry={entry} names={names} />}</For>
              </ol>
              <Show when={next()}>
                {(after) => (
                  <p class={s['more']}>
                    <button class="btn" type="button" disabled={isBusy()} data-testid="audit-more" onClick={() => void load(after())}>
                      {t('audit.more')}
                    </button>
                  </p>
                )}
              </Show>
              <p class={s['bad']} role="alert">
                {problem()}
              </p>
            </Show>
          )}
        </Show>
      </div>
    </>
  );
}

/** As a name that begins a line. */
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function Entry(props: { readonly entry: AuditEntry; readonly names: Names & { who(entry: AuditEntry): string } }): JSX.Element {
  const mayDo = useMay();
  const time = (at: number): string => exact(at, locale());
  const words = (field: string, value: unknown): string => valueText(field, value, props.names, time);
  const action = (noun: string): string => ({ inboxes: 'inbox.manage', agents: 'agent.manage', teams: 'team.manage', roles: 'role.manage' })[noun] ?? 'setting.manage';
  const href = (): string => {
    const noun = nounOf(props.entry.kind);
    return noun !== '' && props.entry.what !== 'removed' && mayDo(action(noun)) ? settingsHref(noun, props.entry.id) : '';
  };
  return (
    <li class={s['entry']} data-testid="audit-entry" data-kind={props.entry.kind} data-what={props.entry.what}>
      <time datetime={new Date(props.entry.at).toISOString()}>{time(props.entry.at)}</time>
      <span class={s['who']}>{props.names.who(props.entry)}</span>
      <div class={s['what']}>
        <p>
          <Show when={href()} fallback={<b>{title(props.entry, props.names)}</b>}>
            <a class={s['title']} href={href()}>
              {title(props.entry, props.names)}
            </a>
          </Show>
          <Show when={props.entry.why}>
            <span class={s['why']}>{whyText(props.entry.why)}</span>
          </Show>
        </p>
        <Show when={told(props.entry).length > 0}>
          <dl>
            <For each={told(props.entry)}>
              {(one) => (
                <div data-field={one.field}>
                  <dt>{fieldName(one.field)}</dt>
                  <dd>
                    <Show when={props.entry.what === 'changed'}>
                      <del>{words(one.field, one.before)}</del>
                      <span aria-hidden="true"> → </span>
                      <span class="vh">{t('audit.became')}</span>
                    </Show>
                    <span>{words(one.field, one.after)}</span>
                  </dd>
                </div>
              )}
            </For>
          </dl>
        </Show>
      </div>
    </li>
  );
}

/** Names for what the entries hold; what this person isn't told stays an id, but for agents, who everybody knows. */
function createNames(): Names & { people(): readonly { id: string; name: string }[]; who(entry: AuditEntry): string } {
  const desk = useDesk();
  const mayDo = useMay();
  const named = (noun: 'agents' | 'teams' | 'inboxes' | 'calendars' | 'roles' | 'skills', action: string) => (mayDo(action) ? createNamed(noun) : () => []);
  const all = {
    agent: named('agents', 'agent.manage'),
    team: named('teams', 'team.manage'),
    inbox: named('inboxes', 'inbox.manage'),
    calendar: named('calendars', 'setting.manage'),
    role: named('roles', 'role.manage'),
    skill: named('skills', 'setting.manage'),
  };
  const of: Names['of'] = (kind, id) => {
    const found = all[kind]?.().find((one) => one.id === id)?.name;
    if (found !== undefined) return found;
    return kind === 'agent' ? desk.colleagues.nameOf(id) : kind === 'inbox' ? desk.channels.inboxName(id) : id;
  };
  return {
    of,
    people: () => (all.agent().length > 0 ? all.agent() : desk.colleagues.all).map(({ id, name }) => ({ id, name })),
    who(entry) {
      if (entry.by === null) return t('audit.unknown');
      if (entry.by.kind === 'agent') return entry.by.name || of('agent', entry.by.id);
      return entry.by.id === 'trunkline' ? t('audit.operator') : entry.by.name || entry.by.id;
    },
  };
}
