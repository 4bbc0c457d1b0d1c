import { createEffect, createSignal, For, untrack, type JSX } from 'solid-js';
import { secondsOf, spanOf, UNITS, type Unit } from './duration.ts';
import { Field, type FieldProps } from './Field.tsx';
import { t } from '../texts.ts';
import s from './field.module.css';

/** A span of time: a number and its unit, in seconds. */
export function DurationField<T extends object>(props: FieldProps<T>): JSX.Element {
  const seconds = (): number => Number(props.form.value[props.name]);
  const [unit, setUnit] = createSignal<Unit>(spanOf(seconds()).unit);
  const [text, setText] = createSignal(String(spanOf(seconds()).n));
  createEffect(() => {
    // Set from without, such as by *discard*: what is typed itself keeps its unit.
    const now = seconds();
    if (secondsOf({ n: Number(untrack(text)), unit: untrack(unit) }) === now) return;
    setUnit(spanOf(now).unit);
    setText(String(spanOf(now).n));
  });
  const change = (nextText: string, nextUnit: Unit): void => {
    setText(nextText);
    setUnit(nextUnit);
    props.form.set(props.name, (nextText.trim() === '' || Number.isNaN(Number(nextText)) ? null : secondsOf({ n: Number(nextText), unit: nextUnit })) as never);
  };
  return (
    <Field {...props}>
      {(tied) => (
        <span class={s['unit']}>
          <input {...tied()} class="field" type="text" inputmode="decimal" autocomplete="off" value={text()} onInput={(event) => change(event.currentTarget.value, unit())} />
          <select class="field" aria-label={t('duration.unit')} onChange={(event) => change(text(), event.currentTarget.value as Unit)}>
            <For each={UNITS}>
              {(one) => (
                <option value={one} selected={one === unit()}>
                  {t(`duration.${one}`)}
                </option>
              )}
            </For>
          </select>
        </span>
      )}
    </Field>
  );
}
