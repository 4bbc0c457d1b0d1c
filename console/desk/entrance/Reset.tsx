import { createSignal, type JSX } from 'solid-js';
import { inboxHref } from '../store/address.ts';
import { go } from '../store/route.ts';
import { acceptReset } from '../store/session.ts';
import { t } from '../words/texts.ts';
import { Entrance } from './Entrance.tsx';
import { NewPassword } from './NewPassword.tsx';
import { createSending } from './sending.ts';

/** Page of a reset link: another password, once; who sets it is signed in. */
export default function Reset(props: { readonly token: string }): JSX.Element {
  const [password, setPassword] = createSignal('');
  const { problem, isBusy, submit } = createSending(async () => {
    await acceptReset(props.token, password());
    go(inboxHref('mine'));
  });
  return (
    <Entrance>
      <form onSubmit={(event) => void submit(event)}>
        <h1>{t('reset.title')}</h1>
        <p>{t('reset.hint')}</p>
        <NewPassword label={t('reset.password')} value={password()} onInput={setPassword} autofocus testid="reset-password" />
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
