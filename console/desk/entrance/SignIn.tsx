import { createSignal, Show, type JSX } from 'solid-js';
import { explain } from '../words/errors.ts';
import { session, signIn } from '../store/session.ts';
import { t } from '../words/texts.ts';
import { Entrance } from './Entrance.tsx';

export function SignIn(): JSX.Element {
  const [email, setEmail] = createSignal('');
  const [password, setPassword] = createSignal('');
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const because = (): string => {
    const now = session();
    if (now.is !== 'out' || now.because === '') return '';
    return t(now.because === 'expired' ? 'signin.expired' : 'signin.elsewhere');
  };
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await signIn(email().trim(), password());
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <Entrance>
      <form onSubmit={(event) => void submit(event)}>
        <h1>{t('signin.title')}</h1>
        <Show when={because()}>{(text) => <p role="status">{text()}</p>}</Show>
        <label>
          {t('field.email')}
          <input
            class="field"
            type="email"
            name="email"
            autocomplete="username"
            required
            autofocus
            data-testid="signin-email"
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
            autocomplete="current-password"
            required
            data-testid="signin-password"
            value={password()}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <p class="problem" role="alert">
          {problem()}
        </p>
        <button class="btn primary lg" type="submit" disabled={isBusy()} data-testid="signin-submit">
          {t('signin.submit')}
        </button>
      </form>
    </Entrance>
  );
}
