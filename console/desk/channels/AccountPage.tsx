import { createResource, createSignal, For, Match, onCleanup, Show, Switch, type JSX } from 'solid-js';
import { call } from '../../client/index.ts';
import { ChannelGlyph, Icon } from '../../ui/Icon.tsx';
import { explain } from '../errors.ts';
import { useDesk } from '../store/desk.ts';
import { t } from '../texts.ts';
import { toast } from '../toast.ts';
import { AccountForm } from './AccountForm.tsx';
import { conditionOf, healthText, type Account, type Finding } from './accounts.ts';
import s from './account.module.css';
import type { ChannelForm } from './form.ts';
import { channelName } from './words.ts';

/** While somebody waits for the first message it is looked for this often, else rarely. */
const LOOK_MS = { waiting: 2_000, known: 10_000 };

/** One account: its form at the left, what its platform needs and how it is at the right. */
export function AccountPage(props: { readonly inbox: string }): JSX.Element {
  const desk = useDesk();
  const [problem, setProblem] = createSignal('');
  const [account, { mutate, refetch }] = createResource(
    () => props.inbox,
    async (inbox) => {
      const got = await call<Account>('GET', `inboxes/${encodeURIComponent(inbox)}`).catch((error: unknown) => void setProblem(explain(error)));
      if (got) setProblem('');
      return got ?? undefined;
    },
  );
  const [form] = createResource(
    () => account.latest?.channel,
    (channel) => call<ChannelForm>('GET', `channels/${channel}`).catch(() => undefined),
  );
  const look = async (): Promise<void> => {
    const id = account.latest?.id;
    if (id !== undefined && document.visibilityState === 'visible') {
      const now = await call<Account>('GET', `inboxes/${id}`).catch(() => undefined);
      const before = account.latest;
      // Only how it is: what is being entered stays.
      if (now && before && now.id === before.id) mutate({ ...before, health: now.health });
    }
    const isWaiting = ['quiet', 'away'].includes(conditionOf(account.latest?.health ?? null));
    timer = setTimeout(() => void look(), isWaiting ? LOOK_MS.waiting : LOOK_MS.known);
  };
  let timer = setTimeout(() => void look(), LOOK_MS.waiting);
  onCleanup(() => clearTimeout(timer));

  return (
    <Switch>
      <Match when={account.latest}>
        {(known) => (
          <>
            <header class="head">
              <a class="ib" href="#/channels" aria-label={t('channels.back')}>
                <Icon name="back" />
              </a>
              <ChannelGlyph channel={known().channel} />
              <h1 class="cut">{known().name}</h1>
              <span class={s['kind']}>{channelName(known().channel)}</span>
            </header>
            <div class={s['body']}>
              <Show when={form()} fallback={<p class={s['none']}>{t(form.loading ? 'loading' : 'channels.own')}</p>}>
                {(drawn) => (
                  <Show when={known().id} keyed>
                    <AccountForm
                      form={drawn()}
                      account={known()}
                      freeId=""
                      onSaved={(saved) => {
                        mutate(saved);
                        toast({ text: t('form.saved') });
                        void desk.refreshChannels();
                      }}
                    />
                  </Show>
                )}
              </Show>
              <Show when={form()}>{(drawn) => <Aside account={known()} form={drawn()} onChanged={mutate} />}</Show>
            </div>
          </>
        )}
      </Match>
      <Match when={problem()}>
        <div class="empty" role="alert">
          <h2>{t('channels.failed')}</h2>
          <p>{problem()}</p>
          <button class="btn" type="button" onClick={() => void refetch()}>
            {t('retry')}
          </button>
        </div>
      </Match>
    </Switch>
  );
}

function Aside(props: { readonly account: Account; readonly form: ChannelForm; readonly onChanged: (account: Account) => void }): JSX.Element {
  const [findings, setFindings] = createSignal<readonly Finding[]>();
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  let address!: HTMLInputElement;
  const copy = async (): Promise<void> => {
    address.select();
    try {
      await navigator.clipboard.writeText(props.account.callback);
      toast({ text: t('channels.copied') });
    } catch {
      // Not permitted here: it is selected, and the keyboard copies it.
    }
  };
  const ask = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await act();
    } catch (error) {
      setProblem(explain(error));
    }
    setBusy(false);
  };
  const check = (): Promise<void> =>
    ask(async () => {
      setFindings(undefined);
      setFindings((await call<{ items: Finding[] }>('POST', `inboxes/${props.account.id}/check`, {})).items);
    });
  const retry = (): Promise<void> =>
    ask(async () => {
      const now = await call<Account>('POST', `inboxes/${props.account.id}/retry`, {});
      props.onChanged({ ...props.account, health: now.health });
    });
  const condition = () => conditionOf(props.account.health);
  return (
    <aside class={s['aside']} aria-label={t('channels.platform')}>
      <section>
        <h2>{t('channels.health')}</h2>
        <p class={s['health']} role="status" data-testid="health" data-state={condition()}>
          <span class={s['mark']} aria-hidden="true" />
          <span>{healthText(props.account.health)}</span>
        </p>
        <div class={s['acts']}>
          <Show when={condition() === 'ill' && props.account.health?.since}>
            <button class="btn" type="button" disabled={isBusy()} data-testid="account-retry" onClick={() => void retry()}>
              {t('channels.try_again')}
            </button>
          </Show>
          <Show when={props.form.can_check}>
            <button class="btn" type="button" disabled={isBusy() || condition() === 'away'} data-testid="account-check" onClick={() => void check()}>
              {t('channels.check')}
            </button>
          </Show>
          <Show when={isBusy()}>
            <span role="status">{t('channels.checking')}</span>
          </Show>
        </div>
        <p class={s['bad']} role="alert">
          {problem()}
        </p>
        <ul class={s['findings']} aria-live="polite">
          <For each={findings() ?? []}>
            {(one) => (
              <li data-testid="finding" data-state={one.problem ? 'bad' : 'good'}>
                <Icon name={one.problem ? 'alert' : 'check'} />
                <span>
                  <b>{one.name}</b> {one.problem || t('channels.good')}
                </span>
              </li>
            )}
          </For>
        </ul>
      </section>
      <Show when={props.account.callback}>
        <section>
          <h2 id="callback">{t('channels.callback')}</h2>
          <p class={s['hint']} id="callback-help">
            {t('channels.callback_help')}
          </p>
          <div class={s['copy']}>
            <input
              ref={address}
              class="field"
              readonly
              value={props.account.callback}
              aria-labelledby="callback"
              aria-describedby="callback-help"
              data-testid="callback"
              onFocus={(event) => event.currentTarget.select()}
            />
            <button class="btn" type="button" data-testid="callback-copy" onClick={() => void copy()}>
              <Icon name="copy" />
              {t('channels.copy')}
            </button>
          </div>
        </section>
      </Show>
      <Show when={props.form.has_guide}>
        <section>
          <h2>{t('channels.steps')}</h2>
          <p>
            <a class={s['link']} href={`/api/v1/channels/${props.form.name}/guide`} target="_blank" rel="noopener">
              {t('channels.guide', { channel: channelName(props.form.name) })}
            </a>
          </p>
        </section>
      </Show>
    </aside>
  );
}
