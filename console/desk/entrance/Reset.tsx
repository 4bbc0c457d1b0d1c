import { createSignal, type JSX } from 'solid-js';
import { explain } from '../words/errors.ts';
import { inboxHref } from '../store/address.ts';
import { go } from '../store/route.ts';
import { acceptReset } from '../store/session.ts';
import { t } from '../words/texts.ts';
import { Entrance } from './Entrance.tsx';

/** Minimum length of a password; the node enforces it (`agent.password_weak`). */
const PASSWORD_MIN = 10;

/** Page of a reset link: another password, once; who sets it is signed in. */
export default function Reset(props: { readonly token: string }): JSX.Element {
  const [password, setPassword] = createSignal('');
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await acceptReset(props.token, password());
      go(inboxHref('mine'));
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <Entrance>
      <form onSubmit={(event) => void submit(event)}>
        <h1>{t('reset.title')}</h1>
        <p>{t('reset.hint')}</p>
        <label>
          {t('reset.password')}
          <input
            class="field"
            type="password"
            name="password"
            autocomplete="new-password"
            required
            autofocus
            minlength={PASSWORD_MIN}
            aria-describedby="password-rule"
            data-testid="reset-password"
            value={password()}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
          <small id="password-rule">{t('join.password_rule', { n: PASSWORD_MIN })}</small>
        </label>
        <p class="problem" role="alert">
          {problem()}
        </p>
        <button class="btn primary lg" type="submit" disabled={isBusy()} data-testid="reset-submit">
          {t('reset.submit')}
        </button>
      </form>
    </Entrance>
  );
}
