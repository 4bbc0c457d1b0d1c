import { DropdownMenu } from '@kobalte/core/dropdown-menu';
import { createEffect, createSignal, For, lazy, onCleanup, Show, Suspense, type JSX } from 'solid-js';
import { chooseDensity, density } from '../../ui/style/density.ts';
import { initial } from '../../ui/format.ts';
import { Icon } from '../../ui/Icon.tsx';
import type { IconName } from '../../ui/icons/icons.ts';
import { chooseTheme, theme, type Theme } from '../../ui/style/theme.ts';
import { ACTIONS } from '../actions/all.ts';
import help from '../actions/go/help.ts';
import { listenForKeys } from '../actions/keymap.ts';
import { offer } from '../actions/scene.ts';
import { helpRows, keycaps } from '../actions/keycaps.ts';
import { chooseLocale } from '../words/language.ts';
import { Mark } from '../common/Mark.tsx';
import { inboxHref, settingsHref } from '../store/address.ts';
import { route } from '../store/route.ts';
import s from './shell.module.css';
import { unreadMine } from '../store/unread.ts';
import { useDesk } from '../store/desk.ts';
import { locale, t } from '../words/texts.ts';
import { Connection } from './Connection.tsx';

const Help = lazy(() => import('./Help.tsx'));
const THEMES: readonly { readonly id: Theme; readonly icon: IconName }[] = [
  { id: 'light', icon: 'sun' },
  { id: 'dark', icon: 'moon' },
  { id: 'system', icon: 'system' },
];

/** Frame of the desk: navigation rail, page, help overlay; also the window's title with the unread count. */
export function Shell(props: { readonly children: JSX.Element }): JSX.Element {
  const desk = useDesk();
  const [isHelping, setHelping] = createSignal(false);
  onCleanup(listenForKeys(desk));
  offer('help', { open: () => setHelping(true) });
  createEffect(() => {
    const n = unreadMine(desk);
    document.title = `${n > 0 ? `(${n}) ` : ''}${t('title')}`;
  });
  return (
    <div class={s['app']}>
      <a class="btn skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}>
        {t('skip')}
      </a>
      <nav class={s['rail']} aria-label="Trunkline">
        <span class={s['mark']}>
          <Mark />
        </span>
        <ul>
          <RailLink href={inboxHref('mine')} page="inbox" icon="inbox" label={t('page.inbox')} pip={desk.views.counts.queue > 0} />
          <RailLink href="#/search" page="search" icon="search" label={t('page.search')} />
          <RailLink href="#/overview" page="overview" icon="chart" label={t('page.overview')} />
          <RailLink href={settingsHref('profile')} page="settings" also="channels" icon="settings" label={t('page.settings')} />
        </ul>
        <DropdownMenu modal={false} placement="right-end">
          <DropdownMenu.Trigger class={s['me']} aria-label={t('me.menu', { name: desk.who.agent.name })} data-testid="me">
            <span class="av" aria-hidden="true">
              {initial(desk.who.agent.name)}
            </span>
            <span class={`dot ${desk.presence.now.state} ${s['state']}`} />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content class="menu">
              <div class="menu-head">
                {desk.who.agent.name} · {desk.who.tenant.name}
              </div>
              <hr class="menu-line" />
              <DropdownMenu.RadioGroup value={theme()} onChange={(value) => chooseTheme(value as Theme)}>
                <For each={THEMES}>
                  {(one) => (
                    <DropdownMenu.RadioItem class="opt" closeOnSelect value={one.id} data-testid={`theme-${one.id}`}>
                      <Icon name={one.icon} />
                      {t(`theme.${one.id}`)}
                      <DropdownMenu.ItemIndicator class="e">
                        <Icon name="check" />
                      </DropdownMenu.ItemIndicator>
                    </DropdownMenu.RadioItem>
                  )}
                </For>
              </DropdownMenu.RadioGroup>
              <hr class="menu-line" />
              <DropdownMenu.CheckboxItem
                class="opt"
                closeOnSelect
                checked={density() === 'compact'}
                onChange={(isCompact) => chooseDensity(isCompact ? 'compact' : 'comfortable')}
                data-testid="density"
              >
                <Icon name="compact" />
                {t('density.compact')}
                <DropdownMenu.ItemIndicator class="e">
                  <Icon name="check" />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.CheckboxItem>
              <hr class="menu-line" />
              <DropdownMenu.Item
                class="opt"
                data-testid="language"
                onSelect={() => void chooseLocale(locale() === 'en' ? 'zh-CN' : 'en')}
              >
                <Icon name="language" />
                <span lang={locale() === 'en' ? 'zh-CN' : 'en'}>{locale() === 'en' ? '中文' : 'English'}</span>
              </DropdownMenu.Item>
              <DropdownMenu.Item class="opt" onSelect={() => setHelping(true)}>
                <Icon name="keyboard" />
                {t('keys.title')}
                <span class="e">
                  <kbd>{keycaps(help)}</kbd>
                </span>
              </DropdownMenu.Item>
              <hr class="menu-line" />
              <DropdownMenu.Item class="opt" data-testid="sign-out" onSelect={() => void desk.signOut()}>
                <Icon name="out" />
                {t('signout')}
              </DropdownMenu.Item>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu>
      </nav>
      <main class={s['main']} id="main" tabindex="-1">
        <Connection />
        {props.children}
      </main>
      <Show when={isHelping()}>
        <Suspense>
          <Help rows={helpRows(ACTIONS)} onClose={() => setHelping(false)} />
        </Suspense>
      </Show>
    </div>
  );
}

function RailLink(props: {
  readonly href: string;
  readonly page: string;
  /** Another page that stands under this link. */
  readonly also?: string;
  readonly icon: IconName;
  readonly label: string;
  readonly pip?: boolean;
}): JSX.Element {
  return (
    <li>
      <a href={props.href} aria-current={[props.page, props.also].includes(route().page) ? 'page' : undefined} title={props.label}>
        <Icon name={props.icon} />
        <span class="vh">{props.label}</span>
        <Show when={props.pip}>
          <span class={s['pip']} />
        </Show>
      </a>
    </li>
  );
}
