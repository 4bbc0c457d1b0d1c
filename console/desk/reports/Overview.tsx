import { createSignal, createUniqueId, For, Match, onCleanup, Show, Switch, type JSX } from 'solid-js';
import type { Hour, Overview as Report } from '../../api/rest.ts';
import { call } from '../../ui/rest.ts';
import { clock, stopwatch } from '../../ui/format.ts';
import { explain } from '../words/errors.ts';
import { locale, t } from '../words/texts.ts';
import s from './overview.module.css';

const REFRESH_MS = 30_000;
const CHART = { width: 960, height: 240, left: 40, bottom: 24, top: 8 };

const fetchReport = (): Promise<Report> =>
  call<Report>('GET', `reports/overview?tz=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}`);

export default function Overview(): JSX.Element {
  const [report, setReport] = createSignal<Report>();
  const [problem, setProblem] = createSignal('');
  const refresh = async (): Promise<void> => {
    try {
      setReport(await fetchReport());
      setProblem('');
    } catch (error) {
      setProblem(explain(error)); // the numbers known before stay, with their time
    }
  };
  void refresh();
  const timer = setInterval(() => void refresh(), REFRESH_MS);
  onCleanup(() => clearInterval(timer));
  const seconds = (value: number | null): string => (value === null ? '–' : stopwatch(value));
  const whole = (value: number): string => value.toLocaleString(locale());
  const figures = (now: Report): readonly (readonly [string, string])[] => [
    [t('overview.opened'), whole(now.opened)],
    [t('overview.resolved'), whole(now.resolved)],
    [t('overview.open'), whole(now.open)],
    [t('overview.messages_in'), whole(now.messages_in)],
    [t('overview.messages_out'), whole(now.messages_out)],
    [t('overview.median'), seconds(now.first_response_median_s)],
    [t('overview.p90'), seconds(now.first_response_p90_s)],
  ];
  return (
    <div class={s['page']}>
      <header class="head">
        <h1>{t('page.overview')}</h1>
        <Show when={report()}>
          {(now) => (
            <p class={s['when']} role="status">
              {now().day} · {now().tz} · {t('overview.as_of', { time: clock(now().as_of, locale()) })}
              <Show when={problem()}>
                <span class={s['late']}> · {problem()}</span>
              </Show>
            </p>
          )}
        </Show>
      </header>
      <Switch>
        <Match when={report() === undefined && problem()}>
          <div class="empty" role="alert">
            <h2>{t('overview.failed')}</h2>
            <p>{problem()}</p>
            <button class="btn" type="button" onClick={() => void refresh()}>
              {t('retry')}
            </button>
          </div>
        </Match>
        <Match when={report()}>
          {(now) => (
            <div class={s['body']} tabindex="0" aria-label={t('page.overview')} role="region">
              <dl class={s['figures']}>
                <For each={figures(now())}>
                  {([name, value]) => (
                    <div>
                      <dt>{name}</dt>
                      <dd>{value}</dd>
                    </div>
                  )}
                </For>
              </dl>
              <section class={s['pane']}>
                <h2>
                  {t('overview.by_hour')}
                  <span class={s['legend']}>
                    <i class={s['in']} /> {t('overview.messages_in')} <i class={s['out']} /> {t('overview.messages_out')}
                  </span>
                </h2>
                <div class={s['plot']} tabindex="0" role="group" aria-label={t('overview.by_hour')}>
                  <Bars hours={now().hours} />
                </div>
              </section>
              <section class={s['pane']}>
                <h2>{t('overview.table')}</h2>
                <table class={s['table']}>
                  <thead>
                    <tr>
                      <th scope="col">{t('overview.hour')}</th>
                      <th scope="col" class="num">
                        {t('overview.messages_in')}
                      </th>
                      <th scope="col" class="num">
                        {t('overview.messages_out')}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    <For each={now().hours}>
                      {(hour) => (
                        <tr>
                          <th scope="row">{`${hour.hour}:00`}</th>
                          <td class="num">{whole(hour.messages_in)}</td>
                          <td class="num">{whole(hour.messages_out)}</td>
                        </tr>
                      )}
                    </For>
                  </tbody>
                </table>
              </section>
            </div>
          )}
        </Match>
      </Switch>
    </div>
  );
}

/** Bar chart of messages in and out by hour; the table below is its accessible twin. */
function Bars(props: { readonly hours: readonly Hour[] }): JSX.Element {
  const title = createUniqueId();
  const top = (): number => niceTop(Math.max(1, ...props.hours.flatMap((hour) => [hour.messages_in, hour.messages_out])));
  const y = (value: number): number => CHART.height - CHART.bottom - (value / top()) * (CHART.height - CHART.bottom - CHART.top);
  const slot = (CHART.width - CHART.left) / 24;
  const x = (hour: number): number => CHART.left + hour * slot;
  const bar = Math.floor((slot - 8) / 2);
  return (
    <svg class={s['chart']} viewBox={`0 0 ${CHART.width} ${CHART.height}`} role="img" aria-labelledby={title}>
      <title id={title}>{t('overview.chart')}</title>
      <For each={[0, 0.5, 1]}>
        {(share) => (
          <>
            <path class={s['grid']} d={`M${CHART.left} ${Math.round(y(top() * share)) + 0.5}H${CHART.width}`} />
            <text x={CHART.left - 8} y={y(top() * share) + 4} text-anchor="end">
              {Math.round(top() * share)}
            </text>
          </>
        )}
      </For>
      <For each={props.hours}>
        {(hour) => (
          <g>
            <title>{t('overview.bar', { hour: hour.hour, in: hour.messages_in, out: hour.messages_out })}</title>
            <rect class={s['in']} x={x(hour.hour) + 4} y={y(hour.messages_in)} width={bar} height={y(0) - y(hour.messages_in)} />
            <rect class={s['out']} x={x(hour.hour) + 4 + bar} y={y(hour.messages_out)} width={bar} height={y(0) - y(hour.messages_out)} />
            <Show when={hour.hour % 3 === 0}>
              <text x={x(hour.hour) + 4} y={CHART.height - 6}>
                {hour.hour}:00
              </text>
            </Show>
          </g>
        )}
      </For>
    </svg>
  );
}

/** Upper end of the axis: the next of 2, 4, 10, 20, 40, 100 ... at or above `value`. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 10].map((step) => step * power).find((candidate) => candidate >= value && candidate % 2 === 0) ?? value;
}
