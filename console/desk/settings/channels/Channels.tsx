import { createEffect, createSignal, For, Match, on, onCleanup, onMount, Show, Switch, type JSX } from 'solid-js';
import { ChannelGlyph, Icon } from '../../../ui/Icon.tsx';
import { arrive } from '../../common/arrive.ts';
import { heading as takeFocus } from '../kit/heading.ts';
import { loadTitles } from './AccountForm.tsx';
import { AccountPage } from './AccountPage.tsx';
import { Adding, Choice } from './Adding.tsx';
import { conditionOf, healthText, listAccounts, type Row } from './accounts.ts';
import { Ghosts, Trouble } from '../../common/Trouble.tsx';
import { channelName } from '../../channels/words.ts';
import { explain } from '../../words/errors.ts';
import { delayed } from '../../common/delayed.ts';
import { accountHref, addHref } from '../../store/address.ts';
import { route } from '../../store/route.ts';
import { locale, t } from '../../words/texts.ts';
import s from './channels.module.css';

const REFRESH_MS = 10_000;

/** Account opened last: on return to the list its link gets the focus. */
let last = '';

/** Page of inboxes with their accounts' health. */
export default function Channels(): JSX.Element {
  createEffect(on(locale, () => void loadTitles()));
  createEffect(() => (last = at().inbox || last));
  const at = () => {
    const now = route();
    return now.page === 'channels' ? now : { adding: '', inbox: '' };
  };
  return (
    <div class={s['page']}>
      <Switch fallback={<List />}>
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
  let heading!: HTMLHeadingElement;
  onMount(() => last || takeFocus(heading));
  const refresh = async (): Promise<void> => {
    try {
      const now = await listAccounts();
      // Keep the array if nothing changed: `<For>` compares by reference, and new rows would lose the focus.
      setRows((before) => (JSON.stringify(before) === JSON.stringify(now) ? before : now));
      setProblem('');
      if (last && !now.some((row) => row.id === last)) {
        last = '';
        arrive(heading);
      }
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
        <h1 tabindex="-1" ref={heading}>
          {t('page.channels')}
        </h1>
        <span class="grow" />
        <a class="btn primary" href={addHref()} data-testid="channel-add">
          <Icon name="plus" />
          {t('channels.add')}
        </a>
      </header>
      <Switch>
        <Match when={rows() === undefined && problem()}>
          <Trouble text={problem()} onAgain={() => void refresh()} />
        </Match>
        <Match when={isSlow()}>
          <Ghosts />
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
                          <Show when={row.health !== null || row.channel === 'web'} fallback={row.name}>
                            <a class={s['link']} href={accountHref(row.id)} ref={(link) => row.id === last && arrive(link)}>
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
                            {healthText(row)}
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
