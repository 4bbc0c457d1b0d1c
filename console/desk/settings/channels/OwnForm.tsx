import { createSignal, Show, type JSX } from 'solid-js';
import { call, Problem } from '../../../ui/rest.ts';
import { explain } from '../../words/errors.ts';
import { t } from '../../words/texts.ts';
import type { Account } from './accounts.ts';
import { Control } from './Control.tsx';
import type { Field } from './form.ts';
import s from './form.module.css';

const NAME: Field = { key: 'inbox.name', title: '', required: true, most: 80 };
const SITES: Field = { key: 'inbox.origins', title: '', kind: 'list' };
/** Error code of a refusal to the field that shows it. */
const OF: Readonly<Record<string, string>> = { 'inbox.name': NAME.key, 'inbox.origins': SITES.key };

/** Form of the `web` inbox: its name and the origins that may frame the widget. */
export function OwnForm(props: { readonly account: Account; readonly onSaved: (account: Account) => void }): JSX.Element {
  const [name, setName] = createSignal(props.account.name);
  const [sites, setSites] = createSignal(props.account.origins.join('\n'));
  const [wrong, setWrong] = createSignal<Readonly<Record<string, string>>>({});
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setProblem('');
    setWrong({});
    setBusy(true);
    try {
      const origins = sites().split(/\s+/).filter((site) => site !== '');
      const saved = await call<Account>('PUT', `inboxes/${props.account.id}`, { name: name().trim(), origins });
      setSites(saved.origins.join('\n'));
      props.onSaved(saved);
    } catch (error) {
      const field = error instanceof Problem ? OF[error.code] : undefined;
      if (field === undefined) setProblem(explain(error));
      else setWrong({ [field]: explain(error) });
    }
    setBusy(false);
  };
  return (
    <form class={s['form']} novalidate onSubmit={(event) => void submit(event)} data-testid="own-form">
      <Control
        field={NAME}
        title={t('form.name')}
        help={t('form.name_help')}
        value={name()}
        problem={wrong()[NAME.key] ?? ''}
        onInput={(value) => setName(String(value))}
      />
      <Control
        field={SITES}
        title={t('form.sites')}
        help={t('form.sites_help')}
        value={sites()}
        problem={wrong()[SITES.key] ?? ''}
        onInput={(value) => setSites(String(value))}
      />
      <p class={s['problem']} role="alert">
        {problem()}
      </p>
      <div class={s['acts']}>
        <button class="btn primary" type="submit" disabled={isBusy()} data-testid="own-save">
          {t('form.save')}
        </button>
        <Show when={isBusy()}>
          <span role="status">{t('form.saving')}</span>
        </Show>
      </div>
    </form>
  );
}
