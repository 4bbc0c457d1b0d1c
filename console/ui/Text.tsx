import { For, Show, type JSX } from 'solid-js';
import s from './body.module.css';
import { pieces } from './format.ts';

/** Text as text nodes, with line breaks kept and addresses as links. */
export function Text(props: { readonly text: string }): JSX.Element {
  return (
    <For each={pieces(props.text)}>
      {(piece) => (
        <Show when={piece.href} fallback={piece.text}>
          <a class={s['link']} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        </Show>
      )}
    </For>
  );
}
