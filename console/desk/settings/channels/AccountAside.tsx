import { createSignal, For, lazy, Show, Suspense, type JSX } from 'solid-js';
import { call } from '../../../ui/rest.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { explain } from '../../words/errors.ts';
import { go } from '../../store/route.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../../words/texts.ts';
import { toast } from '../../store/toast.ts';
import { conditionOf, healthText, type Account, type Finding } from './accounts.ts';
import s from './account.module.css';
import type { ChannelForm } from './form.ts';
import { inWords } from '../../channels/reasons.ts';
import { channelName, findingName } from '../../channels/words.ts';

const Remove = lazy(() => import('./Remove.tsx'));

/** Aside of an account: health and remedy, callback address for the platform, removal. */
export function AccountAside(props: { readonly account: Account; readonly form: ChannelForm; readonly onChanged: (account: Account) => void }): JSX.Element {
  const desk = useDesk();
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
      // Clipboard access denied: select the text, so that the keyboard copies it.
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
  const [isAsked, setAsked] = createSignal(false);
  const removed = (): void => {
    toast({ text: t('remove.done', { name: props.account.name }) });
    go('#/channels');
    void desk.channels.refresh();
  };
  return (
    <aside class={s['aside']} aria-label={t('channels.platform')}>
      <section>
        <h2>{t('channels.health')}</h2>
        <p class={s['health']} role="status" data-testid="health" data-state={condition()}>
          <span class={s['mark']} aria-hidden="true" />
          <span>{healthText(props.account)}</span>
        </p>
        <Show when={condition() === 'ill'}>
          <p class={s['hint']} data-testid="remedy">
            {t(props.account.health?.since ? 'health.remedy' : 'health.remedy_settings')}
          </p>
        </Show>
        <div class={s['acts']}>
          <Show when={condition() === 'ill' && props.account.health?.since}>
            <button class="btn" type="button" disabled={isBusy()} data-testid="account-retry" onClick={() => void retry()}>
              {t('channels.try_again')}
            </button>
          </Show>
          <Show when={props.form.can_check}>
            <button class="btn" type="button" disabled={isBusy() || condition() === 'away' || condition() === 'broken'} data-testid="account-check" onClick={() => void check()}>
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
                  <b>{findingName(one.name)}</b> {inWords(props.account.channel, one.problem) || t('channels.good')}
                </span>
              </li>
            )}
          </For>
        </ul>
      </section>
      <Show when={props.account.callback && condition() !== 'broken'}>
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
      <section>
        <h2>{t('remove.section')}</h2>
        <div class={s['acts']}>
          <button class="btn danger" type="button" data-testid="account-remove" onClick={() => setAsked(true)}>
            {t('remove.ask')}
          </button>
        </div>
      </section>
      <Show when={isAsked()}>
        <Suspense>
          <Remove account={props.account} onClose={() => setAsked(false)} onRemoved={removed} />
        </Suspense>
      </Show>
    </aside>
  );
}
