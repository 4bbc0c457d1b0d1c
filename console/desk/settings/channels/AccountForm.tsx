import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { createStore } from 'solid-js/store';
import { call, Problem } from '../../../ui/rest.ts';
import { explain, sentence } from '../../words/errors.ts';
import { locale, t } from '../../words/texts.ts';
import type { Account } from './accounts.ts';
import { Control } from './Control.tsx';
import { begin, isRare, valuesOf, wrongOf, type ChannelForm, type Field } from './form.ts';
import s from './form.module.css';
import { channelName } from '../../channels/words.ts';

/** Fields of the inbox itself, prefixed: a channel's settings may have a `name` or `id` too. */
const NAME: Field = { key: 'inbox.name', title: '', required: true, most: 80 };
const ID: Field = { key: 'inbox.id', title: '', required: true, pattern: '^[A-Za-z0-9-][A-Za-z0-9_-]{0,63}$' };
/** Error code of a refusal to the inbox field that shows it. */
const OF_THE_INBOX: Readonly<Record<string, string>> = { 'inbox.name': NAME.key, 'inbox.taken': ID.key, 'id.token': ID.key };

type Titles = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const [chinese, setChinese] = createSignal<Titles>({});

/** Loads field titles of built-in channels in the reader's locale; a plugin's titles stay as it declares them. */
export async function loadTitles(): Promise<void> {
  if (locale() !== 'en') setChinese((await import('../../locale/forms.zh-CN.json')).default);
}

/** Form of an account, new if `account` is undefined. `onSaved` gets the node's answer. */
export function AccountForm(props: {
  readonly form: ChannelForm;
  readonly account: Account | undefined;
  /** Default inbox id, not taken. */
  readonly freeId: string;
  readonly onSaved: (account: Account) => void;
}): JSX.Element {
  const [name, setName] = createSignal(props.account?.name ?? channelName(props.form.name));
  const [id, setId] = createSignal(props.account?.id ?? props.freeId);
  const [entered, setEntered] = createStore({ ...begin(props.form.fields, props.account?.settings) });
  const [replaced, setReplaced] = createSignal<readonly string[]>([]);
  const [wrong, setWrong] = createSignal<Readonly<Record<string, string>>>({});
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  let form!: HTMLFormElement;

  const kept = createMemo(() => (props.account?.secrets ?? []).filter((key) => !replaced().includes(key)));
  const rare = (): readonly Field[] => props.form.fields.filter(isRare);
  const usual = (): readonly Field[] => props.form.fields.filter((field) => !isRare(field));
  const isRareWrong = (): boolean => rare().some((field) => wrong()[field.key]);
  const words = (field: Field): readonly [string, string] => {
    const own = locale() === 'en' ? undefined : chinese()[props.form.name]?.[field.key];
    return [own?.[0] ?? field.title, own?.[1] ?? field.help ?? ''];
  };

  const show = (found: Readonly<Record<string, string>>): void => {
    setWrong(found);
    const first = [...form.querySelectorAll<HTMLElement>('[name]')].find((one) => found[one.getAttribute('name') ?? '']);
    // Open the `<details>` first: a field within a closed one can't take the focus.
    requestAnimationFrame(() => first?.focus());
  };

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setProblem('');
    const values = valuesOf(props.form.fields, entered, kept());
    const checked: readonly (readonly [Field, unknown])[] = [
      [NAME, name().trim()],
      ...(props.account ? [] : [[ID, id().trim()] as const]),
      ...props.form.fields.filter((field) => !kept().includes(field.key)).map((field) => [field, values[field.key]] as const),
    ];
    const found = Object.fromEntries(
      checked.flatMap(([field, value]) => {
        const code = wrongOf(field, value);
        return code === '' ? [] : [[field.key, sentence(field === ID ? 'id.token' : code, code)]];
      }),
    );
    show(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      const account = props.account;
      const saved = account
        ? await call<Account>('PUT', `inboxes/${account.id}`, { name: name().trim(), settings: values })
        : await call<Account>('POST', 'inboxes', { id: id().trim(), channel: props.form.name, name: name().trim(), settings: values });
      // Clear secrets from the DOM once the node has them.
      for (const field of props.form.fields) if (field.secret === true) setEntered(field.key, '');
      setReplaced([]);
      props.onSaved(saved);
    } catch (error) {
      const field = error instanceof Problem ? (OF_THE_INBOX[error.code] ?? error.field) : '';
      // The input is rendered only after the secret is marked as replaced.
      if (error instanceof Problem && error.code === 'field.again') setReplaced([...replaced(), field]);
      if (field && form.querySelector(`[name="${CSS.escape(field)}"]`)) show({ [field]: explain(error) });
      else setProblem(explain(error));
    }
    setBusy(false);
  };

  const control = (field: Field): JSX.Element => (
    <Control
      field={field}
      title={words(field)[0]}
      help={words(field)[1]}
      value={entered[field.key] ?? ''}
      isKept={kept().includes(field.key)}
      problem={wrong()[field.key] ?? ''}
      onInput={(value) => setEntered(field.key, value)}
      onReplace={() => {
        setReplaced([...replaced(), field.key]);
        requestAnimationFrame(() => form.querySelector<HTMLElement>(`[name="${CSS.escape(field.key)}"]`)?.focus());
      }}
    />
  );

  return (
    <form ref={form} class={s['form']} novalidate onSubmit={(event) => void submit(event)} data-testid="account-form">
      <Control
        field={NAME}
        title={t('form.name')}
        help={t('form.name_help')}
        value={name()}
        problem={wrong()[NAME.key] ?? ''}
        onInput={(value) => setName(String(value))}
      />
      <Show when={!props.account}>
        <Control
          field={ID}
          title={t('form.id')}
          help={t('form.id_help')}
          value={id()}
          problem={wrong()[ID.key] ?? ''}
          onInput={(value) => setId(String(value))}
        />
      </Show>
      <For each={usual()}>{control}</For>
      <Show when={rare().length > 0}>
        <details class={s['rare']} open={isRareWrong()}>
          <summary>{t('form.rare', { n: rare().length })}</summary>
          <For each={rare()}>{control}</For>
        </details>
      </Show>
      <p class={s['problem']} role="alert">
        {problem()}
      </p>
      <div class={s['acts']}>
        <button class="btn primary" type="submit" disabled={isBusy()} data-testid="account-save">
          {t(props.account ? 'form.save' : 'form.connect')}
        </button>
        <Show when={isBusy()}>
          <span role="status">{t('form.saving')}</span>
        </Show>
      </div>
    </form>
  );
}
