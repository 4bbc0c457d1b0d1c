import { createSignal, Show, type JSX } from 'solid-js';
import { session, signIn } from '../store/session.ts';
import { t } from '../words/texts.ts';
import { Entrance } from './Entrance.tsx';
import { createSending } from './sending.ts';

export function SignIn(): JSX.Element {
  const [email, setEmail] = createSignal('');
  const [password, setPassword] = createSignal('');
  const because = (): string => {
    const now = session();
    if (now.is !== 'out' || now.because === '') return '';
    return t(now.because === 'expired' ? 'signin.expired' : 'signin.elsewhere');
  };
  const { problem, isBusy, submit } = createSending(() => signIn(email().trim(), password()));
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
