import { createSignal, createUniqueId, For, Match, Show, Switch, type JSX } from 'solid-js';
import { t } from '../../words/texts.ts';
import type { Field } from './form.ts';
import s from './form.module.css';

/** Form field: label, control, help, error. */
export function Control(props: {
  readonly field: Field;
  readonly title: string;
  readonly help: string;
  readonly value: string | boolean;
  /** The field is a secret that is set and not being replaced. */
  readonly isKept?: boolean;
  readonly problem: string;
  readonly onInput: (value: string | boolean) => void;
  readonly onReplace?: () => void;
}): JSX.Element {
  const id = createUniqueId();
  const [isShown, setShown] = createSignal(false);
  const described = (): string | undefined =>
    [props.help ? `${id}-help` : '', props.problem ? `${id}-problem` : ''].filter((one) => one !== '').join(' ') || undefined;
  const text = (): string => String(props.value);
  const common = () => ({
    id,
    name: props.field.key,
    'data-testid': `field-${props.field.key}`,
    'aria-describedby': described(),
    'aria-invalid': props.problem && !props.isKept ? ('true' as const) : undefined,
    'aria-required': props.field.required && !props.isKept ? ('true' as const) : undefined,
  });
  const isNumber = (): boolean => props.field.kind === 'whole' || props.field.kind === 'number';
  return (
    <div class={s['control']} data-kind={props.field.kind ?? 'text'}>
      <label for={id}>
        {props.title}{' '}
        <Show when={props.field.required !== true && props.field.kind !== 'flag'}>
          <small>{t('form.optional')}</small>
        </Show>
      </label>
      <Switch>
        <Match when={props.isKept}>
          <div class={s['kept']}>
            <span>{t('form.set')}</span>
            <button {...common()} type="button" class="btn" aria-label={`${t('form.replace')} ${props.title}`} onClick={() => props.onReplace?.()}>
              {t('form.replace')}
            </button>
          </div>
        </Match>
        <Match when={props.field.kind === 'flag'}>
          <input {...common()} type="checkbox" checked={props.value === true} onChange={(event) => props.onInput(event.currentTarget.checked)} />
        </Match>
        <Match when={props.field.kind === 'choice'}>
          {/* `selected` is set on the option: a value set on a `<select>` before its options exist selects the first. */}
          <select {...common()} class="field" onChange={(event) => props.onInput(event.currentTarget.value)}>
            <For each={props.field.choices ?? []}>
              {(choice) => (
                <option value={choice} selected={choice === text()}>
                  {choice}
                </option>
              )}
            </For>
          </select>
        </Match>
        <Match when={props.field.kind === 'list' || props.field.long === true}>
          <textarea
            {...common()}
            class={`field ${s['long']}`}
            rows={props.field.kind === 'list' ? 2 : 4}
            autocomplete="off"
            spellcheck={false}
            value={text()}
            onInput={(event) => props.onInput(event.currentTarget.value)}
          />
        </Match>
        <Match when={props.field.secret === true}>
          <div class={s['secret']}>
            <input
              {...common()}
              class="field"
              type={isShown() ? 'text' : 'password'}
              autocomplete="new-password"
              spellcheck={false}
              value={text()}
              onInput={(event) => props.onInput(event.currentTarget.value)}
            />
            <button type="button" class="btn" aria-pressed={isShown()} onClick={() => setShown((shown) => !shown)}>
              {t('form.show')}
              <span class="vh"> {props.title}</span>
            </button>
          </div>
        </Match>
        <Match when={true}>
          <input
            {...common()}
            class="field"
            type="text"
            inputmode={isNumber() ? 'decimal' : undefined}
            autocomplete="off"
            spellcheck={false}
            value={text()}
            onInput={(event) => props.onInput(event.currentTarget.value)}
          />
        </Match>
      </Switch>
      <Show when={props.help}>
        <p id={`${id}-help`} class={s['help']}>
          {props.help}
          <Show when={props.field.kind === 'list'}> {t('form.one_a_line')}</Show>
        </p>
      </Show>
      <Show when={props.problem}>
        <p id={`${id}-problem`} class={s['problem']} data-testid={`problem-${props.field.key}`}>
          {props.problem}
        </p>
      </Show>
    </div>
  );
}
