import { createEffect, createSignal, For, Show, untrack, type JSX } from 'solid-js';
import { Field, type FieldProps } from './Field.tsx';
import s from './field.module.css';
import { isSame } from '../kit/merge.ts';

/** A line of text. */
export function TextField<T extends object>(
  props: FieldProps<T> & { readonly type?: 'text' | 'password' | 'time' | 'date'; readonly autocomplete?: 'off' | 'current-password' | 'new-password' | 'name'; readonly onInput?: (value: string) => void },
): JSX.Element {
  return (
    <Field {...props}>
      {(tied) => (
        <input
          {...tied()}
          class="field"
          type={props.type ?? 'text'}
          autocomplete={props.autocomplete ?? 'off'}
          spellcheck={false}
          disabled={props.disabled}
          value={String(props.form.value[props.name] ?? '')}
          onInput={(event) => {
            props.form.set(props.name, event.currentTarget.value as never);
            props.onInput?.(event.currentTarget.value);
          }}
        />
      )}
    </Field>
  );
}

/** Text of several lines. */
export function AreaField<T extends object>(props: FieldProps<T> & { readonly rows?: number }): JSX.Element {
  return (
    <Field {...props}>
      {(tied) => (
        <textarea
          {...tied()}
          class={`field ${s['area']}`}
          rows={props.rows ?? 3}
          disabled={props.disabled}
          value={String(props.form.value[props.name] ?? '')}
          onInput={(event) => props.form.set(props.name, event.currentTarget.value as never)}
        />
      )}
    </Field>
  );
}

/** A list, one entry a line. The text itself isn't the value: an empty line that is being typed would go under the cursor. */
export function LinesField<T extends object>(props: FieldProps<T>): JSX.Element {
  const entries = (): readonly string[] => (props.form.value[props.name] as readonly string[] | undefined) ?? [];
  const read = (text: string): readonly string[] => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const [text, setText] = createSignal(entries().join('\n'));
  createEffect(() => {
    const now = entries();
    if (!isSame(read(untrack(text)), now)) setText(now.join('\n'));
  });
  return (
    <Field {...props}>
      {(tied) => (
        <textarea
          {...tied()}
          class={`field ${s['area']} ${s['mono']}`}
          rows={3}
          spellcheck={false}
          disabled={props.disabled}
          value={text()}
          onInput={(event) => {
            setText(event.currentTarget.value);
            props.form.set(props.name, read(event.currentTarget.value) as never);
          }}
        />
      )}
    </Field>
  );
}

/** A whole number. */
export function NumberField<T extends object>(props: FieldProps<T> & { readonly min: number; readonly max: number; readonly unit?: string }): JSX.Element {
  return (
    <Field {...props}>
      {(tied) => (
        <span class={s['unit']}>
          <input
            {...tied()}
            class="field"
            type="number"
            inputmode="numeric"
            min={props.min}
            max={props.max}
            disabled={props.disabled}
            value={String(props.form.value[props.name] ?? '')}
            onInput={(event) => props.form.set(props.name, (event.currentTarget.value === '' ? null : Math.trunc(event.currentTarget.valueAsNumber)) as never)}
          />
          <Show when={props.unit}>{(unit) => <span>{unit()}</span>}</Show>
        </span>
      )}
    </Field>
  );
}

export interface Option {
  readonly id: string;
  readonly name: string;
  /** Why it can't be chosen; empty: it can. */
  readonly because?: string;
}

/** One of a list. An id that isn't in the list (any more) is shown as it is. */
export function ChoiceField<T extends object>(props: FieldProps<T> & { readonly options: readonly Option[]; readonly onChoose?: (id: string) => void }): JSX.Element {
  const chosen = (): string => String(props.form.value[props.name] ?? '');
  const all = (): readonly Option[] => (props.options.some(({ id }) => id === chosen()) ? props.options : [...props.options, { id: chosen(), name: chosen() }]);
  return (
    <Field {...props}>
      {(tied) => (
        <select
          {...tied()}
          class="field"
          disabled={props.disabled}
          onChange={(event) => {
            props.form.set(props.name, event.currentTarget.value as never);
            props.onChoose?.(event.currentTarget.value);
          }}
        >
          {/* `selected` is set on the option: a value set on a `<select>` before its options exist selects the first. */}
          <For each={all()}>
            {(one) => (
              <option value={one.id} selected={one.id === chosen()} disabled={Boolean(one.because) && one.id !== chosen()}>
                {one.because ? `${one.name} (${one.because})` : one.name}
              </option>
            )}
          </For>
        </select>
      )}
    </Field>
  );
}

/** Some of a list, as check boxes. */
export function ChecksField<T extends object>(props: FieldProps<T> & { readonly options: readonly Option[]; readonly none: string }): JSX.Element {
  const chosen = (): readonly string[] => (props.form.value[props.name] as readonly string[] | undefined) ?? [];
  const all = (): readonly Option[] => [...props.options, ...chosen().filter((id) => !props.options.some((one) => one.id === id)).map((id) => ({ id, name: id }))];
  const toggle = (id: string, isOn: boolean): void =>
    props.form.set(props.name, (isOn ? [...chosen(), id] : chosen().filter((one) => one !== id)) as never);
  return (
    <Field {...props} group>
      {() => (
        <Show when={all().length > 0} fallback={<p class={s['none']}>{props.none}</p>}>
          <ul class={s['checks']}>
            <For each={all()}>
              {(one) => (
                <li>
                  <label>
                    <input
                      type="checkbox"
                      checked={chosen().includes(one.id)}
                      disabled={props.disabled === true || (Boolean(one.because) && !chosen().includes(one.id))}
                      data-testid={`check-${props.name}-${one.id}`}
                      onChange={(event) => toggle(one.id, event.currentTarget.checked)}
                    />
                    <span>
                      {one.name}
                      <Show when={one.because}>
                        <small>{one.because}</small>
                      </Show>
                    </span>
                  </label>
                </li>
              )}
            </For>
          </ul>
        </Show>
      )}
    </Field>
  );
}

/** A colour: picked, or typed as #0A6B62. */
export function ColourField<T extends object>(props: FieldProps<T>): JSX.Element {
  const colour = (): string => String(props.form.value[props.name] ?? '');
  return (
    <Field {...props}>
      {(tied) => (
        <span class={s['colour']}>
          <input
            type="color"
            aria-label={props.label}
            tabindex="-1"
            disabled={props.disabled}
            value={/^#[0-9a-f]{6}$/i.test(colour()) ? colour() : '#000000'}
            onInput={(event) => props.form.set(props.name, event.currentTarget.value.toUpperCase() as never)}
          />
          <input
            {...tied()}
            class="field"
            type="text"
            autocomplete="off"
            spellcheck={false}
            disabled={props.disabled}
            value={colour()}
            onInput={(event) => props.form.set(props.name, event.currentTarget.value.trim() as never)}
          />
        </span>
      )}
    </Field>
  );
}
