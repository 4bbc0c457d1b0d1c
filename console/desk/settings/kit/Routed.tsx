import { Match, Show, Switch, type JSX } from 'solid-js';
import { at } from './at.ts';

/** The pages of a noun by its address: the list, one record, or the form of a new one (an empty id). */
export function Routed(props: { readonly noun: string; readonly list: () => JSX.Element; readonly one: (id: string) => JSX.Element }): JSX.Element {
  const now = at(props.noun);
  return (
    <Switch fallback={props.list()}>
      <Match when={now().what === 'new'}>{props.one('')}</Match>
      <Match when={now().what === 'at'}>
        <Show when={now().id} keyed>
          {(id) => props.one(id)}
        </Show>
      </Match>
    </Switch>
  );
}
