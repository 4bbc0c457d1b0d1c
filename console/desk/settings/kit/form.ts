/**
 * Form of one record: what was read, what is typed, where it is refused, and the way out of a lost update. The state that
 * is shown as saved is what the node answered, never what was sent.
 */
import { batch, createMemo, createSignal, type Accessor } from 'solid-js';
import { createStore, unwrap } from 'solid-js/store';
import { Problem } from '../../../ui/rest.ts';
import { isLostUpdate } from './api.ts';
import { isSame, merge } from './merge.ts';

export interface Stored<T> {
  readonly value: T;
  /** 0: it isn't stored yet. */
  readonly revision: number;
}

export interface Lost<T> {
  readonly theirs: Stored<T>;
  /** Fields that both changed, and those that only the other one did. */
  readonly clashes: readonly (keyof T & string)[];
  readonly taken: readonly (keyof T & string)[];
}

export type Wrong = Readonly<Record<string, string>>;

export interface FormOptions<T extends object> {
  readonly begin: Stored<T>;
  /** Stores it, answers with what is stored then. Raises `Problem`. */
  readonly save: (value: T, revision: number) => Promise<Stored<T>>;
  /** The record as it is now, after a lost update. */
  readonly reload?: () => Promise<Stored<T>>;
  /** A sentence for each field that can't be right. */
  readonly check?: (value: T) => Wrong;
  /** A sentence for a refusal. */
  readonly explain: (error: unknown) => string;
  readonly onSaved?: (stored: Stored<T>) => void;
}

export interface Form<T extends object> {
  readonly value: Readonly<T>;
  set<K extends keyof T & string>(field: K, value: T[K]): void;
  readonly isNew: Accessor<boolean>;
  readonly isDirty: Accessor<boolean>;
  readonly isBusy: Accessor<boolean>;
  readonly wrong: Accessor<Wrong>;
  /** A refusal that no field shows. */
  readonly problem: Accessor<string>;
  readonly lost: Accessor<Lost<T> | undefined>;
  /** Number of times that something was stored: what is announced as saved follows it. */
  readonly saves: Accessor<number>;
  /** Fields that have a control: a refusal that names another one is shown below the form. */
  known(field: string): void;
  submit(): Promise<boolean>;
  /** It was stored by other means than this form: what is typed stays. */
  moved(stored: Stored<T>): void;
  /** Back to what is stored. */
  discard(): void;
  /** Lost update: what was typed over what is stored now, to be looked at and saved. */
  keepMine(): void;
  /** Lost update: what is stored now. */
  takeTheirs(): void;
}

const copyOf = <T>(value: T): T => structuredClone(unwrap(value));

export function createForm<T extends object>(options: FormOptions<T>): Form<T> {
  const [base, setBase] = createSignal<Stored<T>>({ ...options.begin, value: copyOf(options.begin.value) });
  const [value, setValue] = createStore<T>(copyOf(options.begin.value));
  const [wrong, setWrong] = createSignal<Wrong>({});
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const [lost, setLost] = createSignal<Lost<T>>();
  const [saves, setSaves] = createSignal(0);
  const fields = new Set<string>();
  const isDirty = createMemo(() => !isSame(value, base().value));

  // A list is replaced as a whole: `reconcile` takes entries without an `id` for the same, and leaves lists in lists as they were.
  const put = (field: keyof T & string, next: unknown): void => setValue(field as never, copyOf(next) as never);
  const replace = (next: T): void => (Object.keys(next) as (keyof T & string)[]).forEach((field) => put(field, next[field]));
  const clear = (): void => {
    setWrong({});
    setProblem('');
  };
  const rebase = (stored: Stored<T>, shown: T): void =>
    batch(() => {
      setBase({ ...stored, value: copyOf(stored.value) });
      replace(shown);
      clear();
      setLost(undefined);
    });
  const refused = (error: unknown): void => {
    const field = error instanceof Problem ? error.field : '';
    if (field !== '' && fields.has(field)) setWrong({ [field]: options.explain(error) });
    else setProblem(options.explain(error));
  };
  const lose = async (reload: () => Promise<Stored<T>>): Promise<void> => {
    const theirs = await reload();
    const { clashes, taken } = merge(base().value, unwrap(value), theirs.value);
    setLost({ theirs, clashes, taken });
  };

  return {
    value,
    set: (field, next) => {
      put(field, next);
      if (wrong()[field] !== undefined) setWrong(Object.fromEntries(Object.entries(wrong()).filter(([name]) => name !== field)));
    },
    isNew: () => base().revision === 0,
    isDirty,
    isBusy,
    wrong,
    problem,
    lost,
    saves,
    known: (field) => void fields.add(field),
    async submit() {
      if (isBusy()) return false;
      clear();
      const sent = copyOf(value);
      const found = options.check?.(sent) ?? {};
      setWrong(found);
      if (Object.keys(found).length > 0) return false;
      setBusy(true);
      try {
        const stored = await options.save(sent, base().revision);
        // What was typed while the answer was under way stays.
        rebase(stored, merge(sent, copyOf(value), stored.value).value);
        setSaves((n) => n + 1);
        options.onSaved?.(stored);
        return true;
      } catch (error) {
        try {
          if (isLostUpdate(error) && options.reload) await lose(options.reload);
          else refused(error);
        } catch (again) {
          refused(again);
        }
        return false;
      } finally {
        setBusy(false);
      }
    },
    moved: (stored) => rebase(stored, merge(base().value, copyOf(value), stored.value).value),
    discard: () => rebase(base(), base().value),
    keepMine() {
      const now = lost();
      if (now) rebase(now.theirs, merge(base().value, copyOf(value), now.theirs.value).value);
    },
    takeTheirs() {
      const now = lost();
      if (now) rebase(now.theirs, now.theirs.value);
    },
  };
}

