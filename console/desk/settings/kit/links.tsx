import type { JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import type { IconName } from '../../../ui/icons/icons.ts';
import { settingsHref } from '../../store/address.ts';
import s from './kit.module.css';

/** Link to the form of a new record, beside the title of a list. */
export function NewLink(props: { readonly noun: string; readonly icon?: IconName; readonly children: JSX.Element }): JSX.Element {
  return (
    <a class="btn primary" href={settingsHref(props.noun, '')} data-testid="new">
      <Icon name={props.icon ?? 'plus'} />
      {props.children}
    </a>
  );
}

/** A record's name in a list, which leads to its page. */
export function NameLink(props: { readonly noun: string; readonly id: string; readonly children: JSX.Element }): JSX.Element {
  return (
    <a class={s['link']} href={settingsHref(props.noun, props.id)}>
      {props.children}
    </a>
  );
}
