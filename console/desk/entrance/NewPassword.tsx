import type { JSX } from 'solid-js';
import { t } from '../words/texts.ts';

/** Minimum length of a password; the node enforces it (`agent.password_weak`). */
const PASSWORD_MIN = 10;

/** Field for a password that is chosen, with its rule. */
export function NewPassword(props: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly autofocus?: boolean;
  readonly testid: string;
}): JSX.Element {
  return (
    <label>
      {props.label}
      <input
        class="field"
        type="password"
        name="password"
        autocomplete="new-password"
        required
        autofocus={props.autofocus}
        minlength={PASSWORD_MIN}
        aria-describedby="password-rule"
        data-testid={props.testid}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <small id="password-rule">{t('join.password_rule', { n: PASSWORD_MIN })}</small>
    </label>
  );
}
