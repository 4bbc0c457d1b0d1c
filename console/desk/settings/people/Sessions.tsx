import { createEffect, createSignal, For, on, Show, type JSX } from 'solid-js';
import type { Ended, SessionOut } from '../../../api/rest.ts';
import { timeOrDay } from '../../../ui/format.ts';
import { call } from '../../../ui/rest.ts';
import { createAsked } from '../kit/asked.ts';
import { now } from '../../store/now.ts';
import { explained } from '../errors.ts';
import { Fetched } from '../kit/Listing.tsx';
import { locale, t } from '../texts.ts';
import s from './people.module.css';

/** Where somebody is signed in, with an end for each. `path`: `sessions` for one's own, or an agent's. */
export function Sessions(props: { readonly path: string; readonly isOwn: boolean; /** Asked again when it changes. */ readonly turn?: number }): JSX.Element {
  const asked = createAsked(async () => (await call<{ items: readonly SessionOut[] }>('GET', props.path)).items);
  createEffect(on(() => props.turn, asked.again, { defer: true }));
  const [problem, setProblem] = createSignal('');
  const [said, setSaid] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const end = async (act: () => Promise<string>): Promise<void> => {
    setBusy(true);
    setProblem('');
    setSaid('');
    try {
      setSaid(await act());
      asked.again();
    } catch (error) {
      setProblem(explained(error));
    }
    setBusy(false);
  };
  const endOne = (id: string): Promise<void> =>
    end(async () => {
      await call('DELETE', `${props.path}/${encodeURIComponent(id)}`);
      return t('sessions.ended', { n: 1 });
    });
  const endAll = (): Promise<void> => end(async () => t('sessions.ended', { n: (await call<Ended>('DELETE', props.path)).ended }));
  const others = (all: readonly SessionOut[]): number => all.filter(({ current }) => !current).length;
  const time = (at: number): string => timeOrDay(at * 1000, now(), locale());
  return (
    <Fetched asked={asked}>
      {(all) => (
        <>
          <Show when={all().length > 0} fallback={<p class={s['quiet']}>{t('sessions.none')}</p>}>
            <ul class={s['sessions']}>
              <For each={all()}>
                {(one) => (
                  <li data-testid="session" data-current={one.current ? '' : undefined}>
                    <span>
                      <b>{one.address || t('sessions.unknown')}</b>
                      <small>
                        {t('sessions.since', { time: time(one.began) })} · {one.current ? t('sessions.current') : t('sessions.seen', { time: time(one.seen) })}
                      </small>
                    </span>
                    <Show when={!one.current}>
                      <button class="btn" type="button" disabled={isBusy()} data-testid="session-end" onClick={() => void endOne(one.id)}>
                        {t('sessions.end')}
                        <span class="vh"> {one.address}</span>
                      </button>
                    </Show>
                  </li>
                )}
              </For>
            </ul>
          </Show>
          <div class={s['acts']}>
            <Show when={others(all()) > 0}>
              <button class="btn" type="button" disabled={isBusy()} data-testid="sessions-end" onClick={() => void endAll()}>
                {t(props.isOwn ? 'sessions.end_others' : 'sessions.end_all')}
              </button>
            </Show>
            <span class={s['quiet']} role="status">
              {said()}
            </span>
          </div>
          <p class={s['bad']} role="alert">
            {problem()}
          </p>
        </>
      )}
    </Fetched>
  );
}
