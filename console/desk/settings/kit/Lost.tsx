import { createSignal, For, onMount, Show, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import { t } from '../texts.ts';
import type { Form, Lost as LostUpdate } from './form.ts';
import s from './kit.module.css';

/** Name of a field, and its value in words. */
export interface Told<T> {
  name(field: keyof T & string): string;
  value(field: keyof T & string, value: unknown): string;
}

/** A lost update: nothing was saved, what was typed is still there; what the other one changed, and what to do. */
export function Lost<T extends object>(props: { readonly form: Form<T>; readonly lost: LostUpdate<T>; readonly tell?: Told<T> | undefined }): JSX.Element {
  const [isShown, setShown] = createSignal(false);
  let heading!: HTMLHeadingElement;
  onMount(() => requestAnimationFrame(() => heading.focus()));
  const rows = () => [...props.lost.clashes, ...props.lost.taken];
  const words = (field: keyof T & string, value: unknown): string => props.tell?.value(field, value) ?? String(value ?? '');
  return (
    <section class={s['lost']} role="alert" data-testid="lost">
      <Icon name="alert" />
      <div>
        <h2 tabindex="-1" ref={heading}>
          {t('lost.title')}
        </h2>
        <p>{rows().length === 0 ? t('lost.same') : t('lost.text')}</p>
        <Show when={isShown()}>
          <table class={s['lostTable']}>
            <thead>
              <tr>
                <th scope="col">{t('lost.field')}</th>
                <th scope="col">{t('lost.yours')}</th>
                <th scope="col">{t('lost.theirs')}</th>
              </tr>
            </thead>
            <tbody>
              <For each={rows()}>
                {(field) => (
                  <tr data-clash={props.lost.clashes.includes(field) ? '' : undefined}>
                    <th scope="row">{props.tell?.name(field) ?? field}</th>
                    <td>{props.lost.clashes.includes(field) ? words(field, props.form.value[field]) : t('lost.untouched')}</td>
                    <td>{words(field, props.lost.theirs.value[field])}</td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </Show>
        <div class={s['answersStart']}>
          <Show when={rows().length > 0 && !isShown()}>
            <button class="btn" type="button" data-testid="lost-show" onClick={() => setShown(true)}>
              {t('lost.show')}
            </button>
          </Show>
          <button class="btn" type="button" data-testid="lost-keep" onClick={() => props.form.keepMine()}>
            {t('lost.keep')}
          </button>
          <button class="btn" type="button" data-testid="lost-take" onClick={() => props.form.takeTheirs()}>
            {t('lost.take')}
          </button>
        </div>
      </div>
    </section>
  );
}
