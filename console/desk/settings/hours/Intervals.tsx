import { Index, Show, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import { t } from '../texts.ts';
import { faultOf, nextInterval, tidy, type Interval } from './hours.ts';
import s from './hours.module.css';

/** Intervals of a day in the node's record. */
const INTERVALS_MAX = 12;

/** The hours of one day: intervals that are typed, one more, none. `label`: the day, for those who don't see it. */
export function Intervals(props: { readonly label: string; readonly value: readonly Interval[]; readonly onChange: (value: readonly Interval[]) => void; readonly testid: string }): JSX.Element {
  let box!: HTMLDivElement;
  const put = (index: number, next: Partial<Interval>): void => props.onChange(props.value.map((one, n) => (n === index ? { ...one, ...next } : one)));
  const add = (): void => {
    props.onChange([...props.value, nextInterval(props.value)]);
    queueMicrotask(() => [...box.querySelectorAll('input')].at(-2)?.focus());
  };
  const remove = (index: number): void => {
    props.onChange(props.value.filter((_one, n) => n !== index));
    queueMicrotask(() => box.querySelector<HTMLElement>('[data-add]')?.focus());
  };
  const fault = () => faultOf(props.value);
  return (
    <div class={s['intervals']} ref={box} data-testid={props.testid}>
      <Show when={props.value.length === 0}>
        <span class={s['closed']}>{t('hours.closed')}</span>
      </Show>
      {/* By index: an interval that is typed into keeps its inputs, and so the focus. */}
      <Index each={props.value}>
        {(one, n) => (
          <span class={s['interval']}>
            <input
              class="field"
              inputmode="numeric"
              onFocus={(event) => event.currentTarget.select()}
              aria-label={t('hours.from', { day: props.label, n: n + 1 })}
              aria-invalid={fault() ? 'true' : undefined}
              value={one().from}
              onInput={(event) => put(n, { from: event.currentTarget.value })}
              onBlur={(event) => put(n, { from: tidy(event.currentTarget.value) })}
            />
            <span aria-hidden="true">–</span>
            <input
              class="field"
              inputmode="numeric"
              onFocus={(event) => event.currentTarget.select()}
              aria-label={t('hours.to', { day: props.label, n: n + 1 })}
              aria-invalid={fault() ? 'true' : undefined}
              value={one().to}
              onInput={(event) => put(n, { to: event.currentTarget.value })}
              onBlur={(event) => put(n, { to: tidy(event.currentTarget.value) })}
            />
            <button class="ib" type="button" aria-label={t('hours.remove', { day: props.label, n: n + 1 })} onClick={() => remove(n)}>
              <Icon name="close" />
            </button>
          </span>
        )}
      </Index>
      <Show when={props.value.length < INTERVALS_MAX}>
        <button class="ib" type="button" data-add="" aria-label={t('hours.add', { day: props.label })} title={t('hours.add', { day: props.label })} onClick={add}>
          <Icon name="plus" />
        </button>
      </Show>
      <Show when={fault()}>{(wrong) => <span class={s['fault']}>{t(`fault.${wrong() as 'time' | 'order' | 'overlap'}`)}</span>}</Show>
    </div>
  );
}
