import { Match, onCleanup, Show, Switch, type JSX } from 'solid-js';
import { call } from '../../../ui/rest.ts';
import { ChannelGlyph, Icon } from '../../../ui/Icon.tsx';
import { offer } from '../../actions/scene.ts';
import { go } from '../../store/route.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { toast } from '../../store/toast.ts';
import { AccountAside } from './AccountAside.tsx';
import { AccountForm } from './AccountForm.tsx';
import { conditionOf, type Account } from './accounts.ts';
import s from './account.module.css';
import { arrive } from '../../common/arrive.ts';
import { createAsked } from '../../common/asked.ts';
import type { ChannelForm } from './form.ts';
import { OwnForm } from './OwnForm.tsx';
import { Ghosts, Trouble } from '../../common/Trouble.tsx';
import { channelName } from '../../channels/words.ts';

/** Poll interval of the account's health: 2 s while its first message is awaited, 10 s once one came. */
const LOOK_MS = { waiting: 2_000, known: 10_000 };

interface Opened {
  readonly account: Account;
  /** Undefined for the `web` inbox, which has no channel settings. */
  readonly form: ChannelForm | undefined;
}

async function open(inbox: string): Promise<Opened> {
  const account = await call<Account>('GET', `inboxes/${encodeURIComponent(inbox)}`);
  if (account.channel === 'web') return { account, form: undefined };
  return { account, form: await call<ChannelForm>('GET', `channels/${encodeURIComponent(account.channel)}`) };
}

/** Page of one account: form at the left; platform set-up and health at the right. */
export function AccountPage(props: { readonly inbox: string }): JSX.Element {
  const desk = useDesk();
  const opened = createAsked(() => open(props.inbox));
  offer('page', { back: () => go('#/channels') });
  const change = (account: Account): void => {
    const before = opened.value();
    if (before) opened.set({ ...before, account });
  };
  const look = async (): Promise<void> => {
    const id = opened.value()?.account.id;
    if (id !== undefined && document.visibilityState === 'visible') {
      const now = await call<Account>('GET', `inboxes/${id}`).catch(() => undefined);
      const before = opened.value()?.account;
      // Health alone is replaced, so that a poll doesn't reset fields that are being edited.
      if (now && before && now.id === before.id) change({ ...before, health: now.health });
    }
    const isWaiting = ['quiet', 'away'].includes(conditionOf(opened.value()?.account.health ?? null));
    timer = setTimeout(() => void look(), isWaiting ? LOOK_MS.waiting : LOOK_MS.known);
  };
  let timer = setTimeout(() => void look(), LOOK_MS.waiting);
  onCleanup(() => clearTimeout(timer));

  return (
    <>
      <header class="head">
        <a class="ib" href="#/channels" aria-label={t('channels.back')}>
          <Icon name="back" />
        </a>
        <Show when={opened.value()?.account}>
          {(account) => (
            <>
              <ChannelGlyph channel={account().channel} />
              <h1 class="cut" tabindex="-1" ref={arrive}>
                {account().name}
              </h1>
              <span class={s['kind']}>{channelName(account().channel)}</span>
            </>
          )}
        </Show>
      </header>
      <Switch>
        <Match when={opened.problem()}>{(problem) => <Trouble text={problem()} onAgain={opened.again} />}</Match>
        <Match when={opened.isSlow()}>
          <Ghosts />
        </Match>
        <Match when={opened.value()}>
          {(known) => (
            <div class={s['body']}>
              <Switch fallback={<p class={s['none']}>{t('channels.own')}</p>}>
                <Match when={known().form === undefined && known().account.channel === 'web'}>
                  <OwnForm
                    account={known().account}
                    onSaved={(saved) => {
                      change(saved);
                      toast({ text: t('form.saved') });
                      void desk.channels.refresh();
                    }}
                  />
                </Match>
                <Match when={known().form?.problem}>
                  {(broken) => <Broken channel={known().account.channel} problem={broken()} />}
                </Match>
                <Match when={known().form}>
                  {(form) => (
                    <AccountForm
                      form={form()}
                      account={known().account}
                      freeId=""
                      onSaved={(saved) => {
                        change(saved);
                        toast({ text: t('form.saved') });
                        void desk.channels.refresh();
                      }}
                    />
                  )}
                </Match>
              </Switch>
              <Show when={known().form}>{(form) => <AccountAside account={known().account} form={form()} onChanged={change} />}</Show>
            </div>
          )}
        </Match>
      </Switch>
    </>
  );
}

/** Error state of an account whose plugin failed to load: no form, so saved settings can't be overwritten. */
function Broken(props: { readonly channel: string; readonly problem: string }): JSX.Element {
  return (
    <div data-testid="account-broken">
      <p class={s['broken']}>
        <Icon name="alert" />
        <span>{t('channels.broken', { channel: channelName(props.channel), reason: props.problem })}</span>
      </p>
      <p class={s['none']}>{t('channels.broken_hint')}</p>
    </div>
  );
}
