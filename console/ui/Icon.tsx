import type { JSX } from 'solid-js';
import sprite from 'virtual:sprite';
import type { IconName } from './icons/icons.ts';

/** A 16 px line icon; decoration only, so name its button. */
export function Icon(props: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="i" aria-hidden="true">
      <use href={`${sprite}#${props.name}`} />
    </svg>
  );
}

const GLYPHS = new Set([
  'app', 'api', 'douyin', 'email', 'instagram', 'line', 'messenger', 'miniprogram', 'telegram', 'web', 'wechat', 'wecom', 'whatsapp',
]);

/** The 14 px glyph of a channel; a plugin's channel shows that of the API. */
export function ChannelGlyph(props: {
  readonly channel: string;
  /** Its name in words; empty where that stands beside it. */
  readonly label?: string | undefined;
  readonly class?: string | undefined;
}): JSX.Element {
  return (
    <svg class={props.class} width="14" height="14" role={props.label ? 'img' : undefined} aria-label={props.label || undefined} aria-hidden={props.label ? undefined : 'true'}>
      <use href={`${sprite}#ch-${GLYPHS.has(props.channel) ? props.channel : 'api'}`} />
    </svg>
  );
}
