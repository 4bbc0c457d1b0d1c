import { For, Match, Show, Switch, type JSX } from 'solid-js';
import { call, NO_ANSWER, Problem } from '../../../ui/rest.ts';
import { ChannelGlyph, Icon } from '../../../ui/Icon.tsx';
import { offer } from '../../actions/scene.ts';
import s from './channels.module.css';
import { accountHref, addHref } from '../../store/address.ts';
import { go } from '../../store/route.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { AccountForm } from './AccountForm.tsx';
import type { Account } from './accounts.ts';
import { arrive } from '../../common/arrive.ts';
import { createAsked } from '../../common/asked.ts';
import type { ChannelForm } from './form.ts';
import { Ghosts, Trouble } from '../../common/Trouble.tsx';
import { channelName } from '../../channels/words.ts';

/** Channel picker over all installed plugins; one that failed to load shows its reason. */
export function Choice(): JSX.Element {
  const desk = useDesk();
  const asked = createAsked(async () => {
    if (!(await desk.channels.refresh())) throw NO_ANSWER;
    return true;
  });
  offer('page', { back: () => go('#/channels') });
  const all = () => Object.values(desk.channels.known.channels);
  return (
    <>
      <header class="head">
        <a class="ib" href="#/channels" aria-label={t('channels.back')}>
          <Icon name="back" />
        </a>
        <h1 tabindex="-1" ref={arrive}>
          {t('channels.choose')}
        </h1>
      </header>
      <Show when={all().length === 0}>
        <Show when={asked.problem()}>{(problem) => <Trouble text={problem()} onAgain={asked.again} />}</Show>
        <Show when={asked.isSlow()}>
          <Ghosts />
        </Show>
      </Show>
      <div class={s['body']}>
        <ul class={s['choices']}>
          <For each={all()} fallback={<Show when={asked.value()}><li class={s['bare']}>{t('channels.none')}</li></Show>}>
            {(channel) => (
              <li>
                <Show
                  when={!channel.problem}
                  fallback={
                    <p class={s['broken']} data-testid={`broken-${channel.name}`}>
                      <Icon name="alert" />
                      <span>{t('channels.broken', { channel: channelName(channel.name), reason: channel.problem })}</span>
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

/** Page with the form of a new account. */
export function Adding(props: { readonly channel: string }): JSX.Element {
  const desk = useDesk();
  const form = createAsked(async () => {
    const drawn = await call<ChannelForm>('GET', `channels/${encodeURIComponent(props.channel)}`);
    if (drawn.problem) throw new Problem(422, 'channel.unusable', drawn.problem);
    return drawn;
  });
  /** First free inbox id: `telegram`, `telegram-2`, ... */
  const freeId = (): string => {
    const taken = desk.channels.known.inboxes;
    for (let n = 1; ; n += 1) {
      const id = n === 1 ? props.channel : `${props.channel}-${n}`;
      if (taken[id] === undefined) return id;
    }
  };
  offer('page', { back: () => go(addHref()) });
  const saved = (account: Account): void => {
    void desk.channels.refresh();
    go(accountHref(account.id));
  };
  return (
    <>
      <header class="head">
        <a class="ib" href={addHref()} aria-label={t('channels.back')}>
          <Icon name="back" />
        </a>
        <ChannelGlyph channel={props.channel} />
        <h1 class="cut" tabindex="-1" ref={arrive}>
          {t('channels.connect', { channel: channelName(props.channel) })}
        </h1>
        <span class="grow" />
        <Show when={form.value()?.has_guide}>
          <a class={s['link']} href={`/api/v1/channels/${props.channel}/guide`} target="_blank" rel="noopener">
            {t('channels.guide', { channel: channelName(props.channel) })}
          </a>
        </Show>
      </header>
      <Switch>
        <Match when={form.problem()}>{(problem) => <Trouble text={problem()} onAgain={form.again} />}</Match>
        <Match when={form.isSlow()}>
          <Ghosts />
        </Match>
        <Match when={form.value()}>
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
