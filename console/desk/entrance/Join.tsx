import { createSignal, type JSX } from 'solid-js';
import { explain } from '../words/errors.ts';
import { inboxHref } from '../store/address.ts';
import { go } from '../store/route.ts';
import { accept } from '../store/session.ts';
import { t } from '../words/texts.ts';
import { Entrance } from './Entrance.tsx';

/** Minimum length of a password; the node enforces it (`agent.password_weak`). */
const PASSWORD_MIN = 10;

export function Join(props: { readonly token: string }): JSX.Element {
  const [name, setName] = createSignal('');
  const [email, setEmail] = createSignal('');
  const [password, setPassword] = createSignal('');
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await accept(props.token, name().trim(), email().trim(), password());
      go(inboxHref('mine'));
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <Entrance>
      <form onSubmit={(event) => void submit(event)}>
        <h1>{t('join.title')}</h1>
        <label>
          {t('field.name')}
          <input
            class="field"
            name="name"
            autocomplete="name"
            required
            autofocus
            maxlength={100}
            data-testid="join-name"
            value={name()}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label>
          {t('field.email')}
          <input
            class="field"
            type="email"
            name="email"
            autocomplete="username"
            required
            data-testid="join-email"
            value={email()}
            onInput={(event) => setEmail(event.currentTarget.value)}
          />
        </label>
        <label>
          {t('field.password')}
          <input
            class="field"
            type="password"
            name="password"
            autocomplete="new-password"
            required
            minlength={PASSWORD_MIN}
            aria-describedby="password-rule"
            data-testid="join-password"
            value={password()}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
          <small id="password-rule">{t('join.password_rule', { n: PASSWORD_MIN })}</small>
        </label>
        <p class="problem" role="alert">
          {problem()}
        </p>
        <button class="btn primary lg" type="submit" disabled={isBusy()} data-testid="join-submit">
          {t('join.submit')}
        </button>
      </form>
    </Entrance>
  );
}
