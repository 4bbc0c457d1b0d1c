import type { JSX } from 'solid-js';
import sprite from 'virtual:sprite';
import type { IconName } from './icons.ts';

/** A 16 px line icon; decoration only, so name its button. */
export function Icon(props: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="i" aria-hidden="true">
      <use href={`${sprite}#${props.name}`} />
    </svg>
  );
}

const GLYPHS = new Set(['app', 'api', 'douyin', 'email', 'web', 'wechat', 'wecom']);

/** The 14 px glyph of a channel; a plugin's channel shows that of the API. */
export function ChannelGlyph(props: { readonly channel: string; readonly class?: string | undefined }): JSX.Element {
  return (
    <svg class={props.class} width="14" height="14" role="img" aria-label={props.channel}>
      <use href={`${sprite}#ch-${GLYPHS.has(props.channel) ? props.channel : 'api'}`} />
    </svg>
  );
}
