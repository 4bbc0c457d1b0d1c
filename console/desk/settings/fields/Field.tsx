import { createUniqueId, Show, type JSX } from 'solid-js';
import { t } from '../texts.ts';
import type { Form } from '../kit/form.ts';
import s from './field.module.css';

/** Attributes of a control that tie it to its label, help and error. */
export interface Tied {
  readonly id: string;
  readonly name: string;
  readonly 'data-testid': string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': 'true' | undefined;
  readonly 'aria-required': 'true' | undefined;
}

export interface FieldProps<T extends object> {
  readonly form: Form<T>;
  readonly name: keyof T & string;
  readonly label: string;
  readonly help?: string | undefined;
  readonly required?: boolean;
  readonly disabled?: boolean | undefined;
}

/** Label, control, help and error of a field. `group`: the control is several, so the label is a legend. */
export function Field<T extends object>(props: FieldProps<T> & { readonly group?: boolean; readonly children: (tied: () => Tied) => JSX.Element }): JSX.Element {
  const id = createUniqueId();
  props.form.known(props.name);
  const problem = (): string => props.form.wrong()[props.name] ?? '';
  const described = (): string | undefined =>
    [props.help ? `${id}-help` : '', problem() ? `${id}-problem` : ''].filter((one) => one !== '').join(' ') || undefined;
  const tied = (): Tied => ({
    id,
    name: props.name,
    'data-testid': `field-${props.name}`,
    'aria-describedby': described(),
    'aria-invalid': problem() ? 'true' : undefined,
    'aria-required': props.required ? 'true' : undefined,
  });
  const words = (): JSX.Element => (
    <>
      {props.label}
      <Show when={props.required !== true && props.group !== true}>
        {' '}
        <small>{t('optional')}</small>
      </Show>
    </>
  );
  const rest = (): JSX.Element => (
    <>
      <Show when={props.help}>
        <p id={`${id}-help`} class={s['help']}>
          {props.help}
        </p>
      </Show>
      <Show when={problem()}>
        <p id={`${id}-problem`} class={s['problem']} data-testid={`problem-${props.name}`}>
          {problem()}
        </p>
      </Show>
    </>
  );
  return (
    <Show
      when={props.group}
      fallback={
        <div class={s['control']}>
          <label for={id}>{words()}</label>
          {props.children(tied)}
          {rest()}
        </div>
      }
    >
      <fieldset class={s['control']} aria-describedby={described()} data-name={props.name} tabindex="-1">
        <legend>{words()}</legend>
        {props.children(tied)}
        {rest()}
      </fieldset>
    </Show>
  );
}
