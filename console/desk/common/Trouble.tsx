import { For, type JSX } from 'solid-js';
import { t } from '../words/texts.ts';
import s from './trouble.module.css';

/** Error state of a page that could not be fetched: the reason, and a button that asks again. */
export function Trouble(props: { readonly text: string; readonly onAgain: () => void }): JSX.Element {
  return (
    <div class="empty" role="alert">
      <h2>{t('channels.failed')}</h2>
      <p>{props.text}</p>
      <button class="btn" type="button" data-testid="channels-again" onClick={() => props.onAgain()}>
        {t('retry')}
      </button>
    </div>
  );
}

/** Skeleton: three grey bars in the place of what is being fetched. */
export function Ghosts(): JSX.Element {
  return (
    <div class={s['ghosts']} aria-hidden="true" data-testid="ghosts">
      <For each={[0, 1, 2]}>{() => <i class="sk" />}</For>
    </div>
  );
}
