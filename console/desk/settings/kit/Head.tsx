import { Show, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import { offer } from '../../actions/scene.ts';
import { auditHref, settingsHref } from '../../store/address.ts';
import { go } from '../../store/route.ts';
import { useMay } from '../me.ts';
import { t } from '../texts.ts';
import s from './kit.module.css';
import { heading } from './heading.ts';

/** Head of a record's page: the way back to the list, its name, which takes the focus, and its history. */
export function Head(props: { readonly noun: string; readonly back: string; readonly title: string; readonly note?: string | undefined; readonly history?: { readonly kind: string; readonly id: string } | undefined }): JSX.Element {
  const mayDo = useMay();
  offer('page', { back: () => go(settingsHref(props.noun)) });
  return (
    <header class="head">
      <a class="ib" href={settingsHref(props.noun)} aria-label={props.back}>
        <Icon name="back" />
      </a>
      <h1 class="cut" tabindex="-1" ref={heading}>
        {props.title}
      </h1>
      <Show when={props.note}>
        <span class={s['kind']}>{props.note}</span>
      </Show>
      <span class="grow" />
      <Show when={mayDo('audit.read') && props.history}>
        {(one) => (
          <a class="btn" href={auditHref(one())} data-testid="history">
            <Icon name="history" />
            {t('history')}
          </a>
        )}
      </Show>
    </header>
  );
}
