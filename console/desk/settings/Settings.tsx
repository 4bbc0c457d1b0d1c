import { createEffect, createMemo, createResource, For, lazy, Match, on, Show, Suspense, Switch, type JSX } from 'solid-js';
import { Icon } from '../../ui/Icon.tsx';
import { route } from '../store/route.ts';
import { createAsked } from '../common/asked.ts';
import { useDesk } from '../store/desk.ts';
import type { ProfileOut } from '../../api/rest.ts';
import { call } from '../../ui/rest.ts';
import { locale } from '../words/texts.ts';
import { Audit } from './audit/Audit.tsx';
import { Calendars } from './hours/Calendars.tsx';
import { Fetched } from './kit/Listing.tsx';
import { MeContext, useMay, useMe } from './me.ts';
import { ENTRIES, seen, type Entry } from './pages.ts';
import { Agents } from './people/Agents.tsx';
import { Profile } from './people/Profile.tsx';
import { Inboxes } from './places/Inboxes.tsx';
import { Skills } from './places/Skills.tsx';
import { Teams } from './places/Teams.tsx';
import { roleName } from './roles/names.ts';
import { Roles } from './roles/Roles.tsx';
import { t, use } from './texts.ts';
import s from './settings.module.css';
import { heading } from './kit/heading.ts';

const Channels = lazy(() => import('./channels/Channels.tsx'));

/** What was told of the agent when they last opened the settings: their pages are there at once, and without a connection. */
let last: ProfileOut | undefined;

/** Settings: the pages that this person may see at the left, one of them at the right. */
export default function Settings(): JSX.Element {
  const [isReady] = createResource(locale, async (now) => {
    await use(now);
    return true;
  });
  const desk = useDesk();
  const asked = createAsked(async () => (last = await call<ProfileOut>('GET', 'me')));
  const known = (): ProfileOut | undefined => asked.value() ?? (last?.agent.id === desk.who.agent.id && last.tenant.id === desk.who.tenant.id ? last : undefined);
  return (
    <Show when={isReady.latest}>
      <Show when={known()} fallback={<Fetched asked={asked}>{() => null}</Fetched>}>
        {(me) => (
          <MeContext.Provider value={me}>
            <Frame />
          </MeContext.Provider>
        )}
      </Show>
    </Show>
  );
}

function Frame(): JSX.Element {
  const mayDo = useMay();
  const noun = createMemo(() => {
    const at = route();
    return at.page === 'settings' ? at.noun : 'channels';
  });
  const entry = (): Entry | undefined => ENTRIES.find(({ id }) => id === noun());
  const isAllowed = (): boolean => entry() === undefined || entry()?.action === '' || mayDo(entry()?.action ?? '');
  let nav!: HTMLElement;
  // Of a narrow window the links are one strip, which scrolls.
  createEffect(on(noun, () => nav.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })));
  return (
    <div class={s['settings']}>
      <section class={s['nav']} aria-label={t('settings')} ref={nav}>
        <header class="head">
          <h2>{t('settings')}</h2>
        </header>
        <nav aria-label={t('settings.pages')}>
          <For each={seen(mayDo)}>
            {(one) => (
              <a class={s['link']} href={one.href} aria-current={noun() === one.id ? 'page' : undefined} data-testid={`settings-${one.id}`}>
                <Icon name={one.icon} />
                {t(`page.${one.id}`)}
              </a>
            )}
          </For>
        </nav>
      </section>
      <section class={s['pane']}>
        <Show when={isAllowed()} fallback={<Forbidden entry={entry()} />}>
          <Suspense>
            <Switch fallback={<Unknown />}>
              <Match when={noun() === 'profile'}>
                <Profile />
              </Match>
              <Match when={noun() === 'agents'}>
                <Agents />
              </Match>
              <Match when={noun() === 'teams'}>
                <Teams />
              </Match>
              <Match when={noun() === 'inboxes'}>
                <Inboxes />
              </Match>
              <Match when={noun() === 'channels'}>
                <Channels />
              </Match>
              <Match when={noun() === 'calendars'}>
                <Calendars />
              </Match>
              <Match when={noun() === 'skills'}>
                <Skills />
              </Match>
              <Match when={noun() === 'roles'}>
                <Roles />
              </Match>
              <Match when={noun() === 'audit'}>
                <Audit />
              </Match>
            </Switch>
          </Suspense>
        </Show>
      </section>
    </div>
  );
}

/** An address that this person's role doesn't reach: which page it is, and who can change that. */
function Forbidden(props: { readonly entry: Entry | undefined }): JSX.Element {
  const me = useMe();
  return (
    <div class="empty" data-testid="forbidden">
      <Icon name="lock" />
      <h1 tabindex="-1" ref={heading}>
        {t('forbidden.title', { page: t(`page.${props.entry?.id ?? 'profile'}`) })}
      </h1>
      <p>{t('forbidden.hint', { role: roleName(me().agent.role) })}</p>
    </div>
  );
}

function Unknown(): JSX.Element {
  return (
    <div class="empty">
      <h1 tabindex="-1" ref={heading}>
        {t('unknown.title')}
      </h1>
      <p>{t('unknown.hint')}</p>
    </div>
  );
}
