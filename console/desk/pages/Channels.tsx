import { createEffect, createResource, createSignal, For, Match, on, onCleanup, Show, Switch, type JSX } from 'solid-js';
import { call } from '../../client/index.ts';
import { ChannelGlyph, Icon } from '../../ui/Icon.tsx';
import { AccountForm, loadTitles } from '../channels/AccountForm.tsx';
import { AccountPage } from '../channels/AccountPage.tsx';
import { conditionOf, healthText, listAccounts, type Account, type Row } from '../channels/accounts.ts';
import type { ChannelForm } from '../channels/form.ts';
import { channelName } from '../channels/words.ts';
import { explain } from '../errors.ts';
import { delayed } from '../inbox/delayed.ts';
import { accountHref, addHref, go, route } from '../route.ts';
import { useDesk } from '../store/desk.ts';
import { locale, t } from '../texts.ts';
import s from './channels.module.css';

const REFRESH_MS = 10_000;

/** Inboxes and how their accounts are; for admins. */
export default function Channels(): JSX.Element {
  const desk = useDesk();
  createEffect(on(locale, () => void loadTitles()));
  const at = () => {
    const now = route();
    return now.page === 'channels' ? now : { adding: '', inbox: '' };
  };
  return (
    <div class={s['page']}>
      <Switch fallback={<List />}>
        <Match when={desk.who.agent.role !== 'admin'}>
          <div class="empty">
            <Icon name="lock" />
            <h1>{t('channels.admins')}</h1>
            <p>{t('channels.admins_hint', { role: desk.who.agent.role })}</p>
          </div>
        </Match>
        <Match when={at().inbox}>
          <Show when={at().inbox} keyed>
            {(inbox) => <AccountPage inbox={inbox} />}
          </Show>
        </Match>
        <Match when={at().adding === 'new'}>
          <Choice />
        </Match>
        <Match when={at().adding}>
          <Show when={at().adding} keyed>
            {(channel) => <Adding channel={channel} />}
          </Show>
        </Match>
      </Switch>
    </div>
  );
}

function List(): JSX.Element {
  const [rows, setRows] = createSignal<readonly Row[]>();
  const [problem, setProblem] = createSignal('');
  const refresh = async (): Promise<void> => {
    try {
      setRows(await listAccounts());
      setProblem('');
    } catch (error) {
      setProblem(explain(error));
    }
  };
  void refresh();
  const timer = setInterval(() => document.visibilityState === 'visible' && void refresh(), REFRESH_MS);
  onCleanup(() => clearInterval(timer));
  const isSlow = delayed(() => rows() === undefined && !problem());
  const isBare = (): boolean => rows()?.every((row) => row.health === null) === true;
  return (
    <>
      <header class="head">
        <h1 class="grow">{t('page.channels')}</h1>
        <a class="btn primary" href={addHref()} data-testid="channel-add">
          <Icon name="plus" />
          {t('channels.add')}
        </a>
      </header>
      <Switch>
        <Match when={rows() === undefined && problem()}>
          <div class="empty" role="alert">
            <h2>{t('channels.failed')}</h2>
            <p>{problem()}</p>
            <button class="btn" type="button" onClick={() => void refresh()}>
              {t('retry')}
            </button>
          </div>
        </Match>
        <Match when={isSlow()}>
          <div class={s['ghosts']} aria-hidden="true">
            <For each={[0, 1, 2]}>{() => <i class="sk" />}</For>
          </div>
        </Match>
        <Match when={rows()}>
          {(known) => (
            <div class={s['body']} tabindex="0" role="region" aria-label={t('page.channels')}>
              <table class={s['table']}>
                <thead>
                  <tr>
                    <th scope="col">{t('channels.inbox')}</th>
                    <th scope="col">{t('channels.channel')}</th>
                    <th scope="col">{t('channels.health')}</th>
                  </tr>
                </thead>
                <tbody>
                  <For each={known()}>
                    {(row) => (
                      <tr data-testid="inbox" data-inbox={row.id}>
                        <th scope="row">
                          <Show when={row.health} fallback={row.name}>
                            <a class={s['link']} href={accountHref(row.id)}>
                              {row.name}
                            </a>
                          </Show>
                          <small>{row.id}</small>
                        </th>
                        <td>
                          <span class={s['channel']}>
                            <ChannelGlyph channel={row.channel} />
                            {channelName(row.channel)}
                          </span>
                        </td>
                        <td data-testid="health" data-state={conditionOf(row.health)}>
                          <span class={s['health']} data-state={conditionOf(row.health)}>
                            {healthText(row.health)}
                          </span>
                        </td>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
              <Show when={isBare()}>
                <p class={s['bare']}>{t('channels.bare')}</p>
              </Show>
              <Show when={problem()}>
                <p class={s['late']} role="alert">
                  {problem()}
                </p>
              </Show>
            </div>
          )}
        </Match>
      </Switch>
    </>
  );
}

function Choice(): JSX.Element {
  const desk = useDesk();
  void desk.refreshChannels();
  const all = () => Object.values(desk.known.channels.channels);
  return (
    <>
      <header class="head">
        <a class="ib" href="#/channels" aria-label={t('channels.back')}>
          <Icon name="back" />
        </a>
        <h1>{t('channels.choose')}</h1>
      </header>
      <div class={s['body']}>
        <ul class={s['choices']}>
          <For each={all()} fallback={<li class={s['bare']}>{t('channels.none')}</li>}>
            {(channel) => (
              <li>
                <Show
                  when={!channel.problem}
                  fallback={
                    <p class={s['broken']}>
                      <b>{channelName(channel.name)}</b> {channel.problem}
                    </p>
                  }
                >
                  <a class={s['choice']} href={addHref(channel.name)} data-testid={`channel-${channel.name}`}>
                    <ChannelGlyph channel={channel.name} />
                    {channelName(channel.name)}
                  </a>
                </Show>
              </li>
            )}
          </For>
        </ul>
      </div>
    </>
  );
}

function Adding(props: { readonly channel: string }): JSX.Element {
  const desk = useDesk();
  const [form, { refetch }] = createResource(() => props.channel, async (channel) => {
    try {
      return { drawn: await call<ChannelForm>('GET', `channels/${encodeURIComponent(channel)}`), problem: '' };
    } catch (error) {
      return { drawn: undefined, problem: explain(error) };
    }
  });
  /** `telegram`, or `telegram-2` where somebody has that. */
  const freeId = (): string => {
    const taken = desk.known.channels.inboxes;
    for (let n = 1; ; n += 1) {
      const id = n === 1 ? props.channel : `${props.channel}-${n}`;
      if (taken[id] === undefined) return id;
    }
  };
  const saved = (account: Account): void => {
    void desk.refreshChannels();
    go(accountHref(account.id));
  };
  return (
    <>
      <header class="head">
        <a class="ib" href={addHref()} aria-label={t('channels.back')}>
          <Icon name="back" />
        </a>
        <ChannelGlyph channel={props.channel} />
        <h1>{t('channels.connect', { channel: channelName(props.channel) })}</h1>
        <span class="grow" />
        <Show when={form()?.drawn?.has_guide}>
          <a class={s['link']} href={`/api/v1/channels/${props.channel}/guide`} target="_blank" rel="noopener">
            {t('channels.guide', { channel: channelName(props.channel) })}
          </a>
        </Show>
      </header>
      <Switch>
        <Match when={form()?.problem || form()?.drawn?.problem}>
          {(problem) => (
            <div class="empty" role="alert">
              <h2>{t('channels.failed')}</h2>
              <p>{problem()}</p>
              <button class="btn" type="button" onClick={() => void refetch()}>
                {t('retry')}
              </button>
            </div>
          )}
        </Match>
        <Match when={form()?.drawn}>
          {(drawn) => (
            <div class={`${s['body']} ${s['padded']}`}>
              <AccountForm form={drawn()} account={undefined} freeId={freeId()} onSaved={saved} />
            </div>
          )}
        </Match>
      </Switch>
    </>
  );
}
