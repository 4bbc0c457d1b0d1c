import { createSignal, Show, untrack, type JSX } from 'solid-js';
import { createAsked } from './asked.ts';
import { settingsHref } from '../../store/address.ts';
import { go } from '../../store/route.ts';
import { toast } from '../../store/toast.ts';
import { explained } from '../errors.ts';
import { t } from '../texts.ts';
import { createKeys, createOne, readOne, removeOne, saveOne, type Noun, type Revised } from './api.ts';
import { Ask } from './Ask.tsx';
import { createForm, type Form, type Stored, type Wrong } from './form.ts';
import { Head } from './Head.tsx';
import { Fetched } from './Listing.tsx';
import type { Told } from './Lost.tsx';
import { RecordForm } from './RecordForm.tsx';
import s from './kit.module.css';

/** How a noun of settings is edited. `Value`: what the form holds of a record. */
export interface Spec<Out extends Revised, Value extends object> {
  readonly noun: Noun;
  /** As the audit names it. */
  readonly kind: string;
  readonly blank: () => Value;
  readonly valueOf: (record: Out) => Value;
  readonly bodyOf: (value: Value, isNew: boolean) => object;
  readonly check?: (value: Value) => Wrong;
  readonly nameOf: (value: Value) => string;
  readonly tell: Told<Value>;
  readonly words: () => { readonly back: string; readonly new: string };
  /** After something was stored or removed: what others of the desk know of it. */
  readonly onChanged?: () => void;
}

export interface RecordPageProps<Out extends Revised, Value extends object> {
  readonly spec: Spec<Out, Value>;
  /** Empty: a new one. */
  readonly id: string;
  readonly note?: (record: Out) => string;
  /** Drawn once: `record` follows what is stored, so that saving keeps the focus where it is. */
  readonly fields: (form: Form<Value>, record: () => Out | undefined) => JSX.Element;
  readonly aside?: (record: () => Out | undefined, form: Form<Value>, onChanged: (record: Out) => void) => JSX.Element;
  readonly canRemove?: (record: Out) => boolean;
  readonly isLocked?: (record: Out | undefined) => boolean;
}

/** Page of one record, or of a new one. */
export function RecordPage<Out extends Revised, Value extends object>(props: RecordPageProps<Out, Value>): JSX.Element {
  const isNew = (): boolean => props.id === '';
  const asked = createAsked<Out | null>(() => (props.id === '' ? Promise.resolve(null) : readOne<Out>(props.spec.noun, props.id)));
  const title = (): string => {
    const record = asked.value();
    if (isNew()) return props.spec.words().new;
    return record ? props.spec.nameOf(props.spec.valueOf(record)) || record.id : props.id;
  };
  return (
    <>
      <Show when={isNew() || asked.value() || asked.problem()}>
        <Head
          noun={props.spec.noun}
          back={props.spec.words().back}
          title={title()}
          note={asked.value() ? props.note?.(asked.value() as Out) : undefined}
          history={isNew() ? undefined : { kind: props.spec.kind, id: props.id }}
        />
      </Show>
      <Fetched asked={asked}>{(record) => <Editing {...props} record={record() ?? undefined} onStored={(next) => asked.set(next)} />}</Fetched>
    </>
  );
}

function Editing<Out extends Revised, Value extends object>(props: RecordPageProps<Out, Value> & { readonly record: Out | undefined; readonly onStored: (record: Out) => void }): JSX.Element {
  const spec = props.spec;
  const keyOf = createKeys();
  const first = props.record;
  const stored = (record: Out): Stored<Value> => ({ value: spec.valueOf(record), revision: record.revision });
  let latest = first;
  const form = createForm<Value>({
    begin: first ? stored(first) : { value: spec.blank(), revision: 0 },
    save: async (value, revision) => {
      latest = latest && revision > 0 ? await saveOne<Out>(spec.noun, latest.id, spec.bodyOf(value, false), revision) : await createOne<Out>(spec.noun, spec.bodyOf(value, true), keyOf(spec.bodyOf(value, true)));
      return stored(latest);
    },
    reload: async () => stored(await readOne<Out>(spec.noun, props.id)),
    ...(spec.check ? { check: spec.check } : {}),
    explain: explained,
    onSaved(now) {
      spec.onChanged?.();
      if (latest) props.onStored(latest);
      if (first !== undefined) return;
      toast({ text: t('made', { name: spec.nameOf(now.value) }) });
      go(settingsHref(spec.noun));
    },
  });
  return (
    <div class={s['body']} data-single={props.aside ? undefined : ''} tabindex="-1">
      <div>
        <RecordForm form={form} tell={spec.tell} submit={first === undefined ? t('form.create') : t('form.save')} isLocked={props.isLocked?.(props.record) === true}>
          {untrack(() => props.fields(form, () => props.record))}
          <Show when={props.record && props.canRemove?.(props.record) && props.isLocked?.(props.record) !== true}>
            <Removal spec={spec} record={props.record as Out} form={form} />
          </Show>
        </RecordForm>
      </div>
      <Show when={props.aside}>
        {(aside) => (
          <aside class={s['aside']} aria-label={t('aside')}>
            {untrack(() => aside()(() => props.record, form, (record) => (form.moved(stored(record)), (latest = record), props.onStored(record))))}
          </aside>
        )}
      </Show>
    </div>
  );
}

function Removal<Out extends Revised, Value extends object>(props: { readonly spec: Spec<Out, Value>; readonly record: Out; readonly form: Form<Value> }): JSX.Element {
  const [isAsked, setAsked] = createSignal(false);
  const [isBusy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal('');
  const name = (): string => props.spec.nameOf(props.spec.valueOf(props.record)) || props.record.id;
  const remove = async (): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await removeOne(props.spec.noun, props.record.id, props.record.revision);
      props.form.discard();
      props.spec.onChanged?.();
      toast({ text: t('removed', { name: name() }) });
      go(settingsHref(props.spec.noun));
    } catch (error) {
      setProblem(explained(error));
      setBusy(false);
    }
  };
  return (
    <div>
      <button class="btn danger" type="button" data-testid="remove" onClick={() => (setProblem(''), setAsked(true))}>
        {t('remove')}
      </button>
      <Show when={isAsked()}>
        <Ask
          testid="removal"
          title={t('remove.title', { name: name() })}
          keep={t('remove.keep')}
          go={t('remove.go')}
          problem={problem()}
          isBusy={isBusy()}
          onKeep={() => setAsked(false)}
          onGo={() => void remove()}
        >
          {t('remove.text')}
        </Ask>
      </Show>
    </div>
  );
}
