import { createSignal, type JSX } from 'solid-js';
import { inboxHref } from '../store/address.ts';
import { go } from '../store/route.ts';
import { accept } from '../store/session.ts';
import { t } from '../words/texts.ts';
import { Entrance } from './Entrance.tsx';
import { NewPassword } from './NewPassword.tsx';
import { createSending } from './sending.ts';

export function Join(props: { readonly token: string }): JSX.Element {
  const [name, setName] = createSignal('');
  const [email, setEmail] = createSignal('');
  const [password, setPassword] = createSignal('');
  const { problem, isBusy, submit } = createSending(async () => {
    await accept(props.token, name().trim(), email().trim(), password());
    go(inboxHref('mine'));
  });
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
        <NewPassword label={t('field.password')} value={password()} onInput={setPassword} testid="join-password" />
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
