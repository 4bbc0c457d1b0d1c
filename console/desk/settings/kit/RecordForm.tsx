import { createEffect, createSignal, on, onMount, Show, type JSX } from 'solid-js';
import { offer } from '../../actions/scene.ts';
import { isWell } from '../../store/connection.ts';
import { useDesk } from '../../store/desk.ts';
import { Ask } from './Ask.tsx';
import { createGuard } from './guard.ts';
import type { Form } from './form.ts';
import { Lost, type Told } from './Lost.tsx';
import { t } from '../texts.ts';
import s from './kit.module.css';

/** A form with its foot: save, discard, what is wrong, what was saved; the guard of what isn't saved; lost updates. */
export function RecordForm<T extends object>(props: {
  readonly form: Form<T>;
  /** A field in words, for lost updates. */
  readonly tell?: Told<T>;
  readonly submit?: string;
  /** What is said once it was stored. */
  readonly done?: string;
  readonly children: JSX.Element;
  readonly isLocked?: boolean;
  /** One of several on a page: its foot stands below it and doesn't stick to the window's end. */
  readonly isInline?: boolean;
}): JSX.Element {
  const desk = useDesk();
  let element!: HTMLFormElement;
  const [isSaid, setSaid] = createSignal(false);
  const guard = createGuard(props.form.isDirty);
  const focusWrong = (): void => {
    const [first] = Object.keys(props.form.wrong());
    if (first === undefined) return;
    requestAnimationFrame(() => element.querySelector<HTMLElement>(`[name="${CSS.escape(first)}"], [data-name="${CSS.escape(first)}"]`)?.focus());
  };
  const save = async (): Promise<void> => {
    if (props.isLocked === true || props.form.isBusy() || !(props.form.isDirty() || props.form.isNew())) return;
    setSaid(false);
    if (!(await props.form.submit())) focusWrong();
  };
  onMount(() => offer('form', { save: () => void save() }));
  createEffect(on(props.form.saves, (n) => setSaid(n > 0), { defer: true }));
  createEffect(() => props.form.isDirty() && setSaid(false));
  const isOffline = (): boolean => !isWell(desk.connection);
  return (
    <form
      ref={element}
      class={s['record']}
      data-inline={props.isInline ? '' : undefined}
      novalidate
      aria-busy={props.form.isBusy()}
      onKeyDown={(event) => {
        // Here and not by the key map alone: a page may have several forms.
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
        event.preventDefault();
        void save();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      data-testid="record-form"
    >
      <Show when={props.form.lost()}>{(lost) => <Lost form={props.form} lost={lost()} tell={props.tell} />}</Show>
      <div class={s['fields']}>{props.children}</div>
      <Show when={props.isLocked !== true}>
        <footer class={s['foot']}>
          <button class="btn primary" type="submit" disabled={props.form.isBusy() || !(props.form.isDirty() || props.form.isNew()) || props.form.lost() !== undefined} data-testid="save">
            {props.submit ?? t('form.save')}
          </button>
          <Show when={props.form.isDirty() && !props.form.isNew() && props.form.lost() === undefined}>
            <button class="btn" type="button" disabled={props.form.isBusy()} data-testid="discard-changes" onClick={() => props.form.discard()}>
              {t('form.discard')}
            </button>
          </Show>
          <p class={s['said']} role="status" aria-live="polite" data-testid="saved">
            {props.form.isBusy() ? t('form.saving') : isSaid() ? (props.done ?? t('form.saved')) : props.form.isDirty() && !props.form.isNew() ? t(isOffline() ? 'form.offline' : 'form.unsaved') : ''}
          </p>
          <p class={s['bad']} role="alert" data-testid="problem">
            {props.form.problem()}
          </p>
        </footer>
      </Show>
      <Show when={guard.wanted() !== undefined}>
        <Ask testid="unsaved" title={t('guard.title')} keep={t('guard.stay')} go={t('guard.leave')} onKeep={guard.stay} onGo={guard.leave}>
          {t('guard.text')}
        </Ask>
      </Show>
    </form>
  );
}
