/** Texts about channels in the reader's locale: names, time left, reasons. */
import { locale, t, type TextKey } from '../words/texts.ts';
import type { Outcome } from './delivery.ts';
import type { Channel } from './known.ts';
import { inWords } from './reasons.ts';

/** Text of a key that may not exist, else `otherwise`. */
function textOr(key: string, otherwise: string): string {
  const text = t(key as TextKey);
  return text === key ? otherwise : text;
}

/** Name of one finding of *check*. */
export const findingName = (name: string): string => textOr(`finding.${name.replaceAll(' ', '_')}`, name);

/** Display name of a channel; a plugin's own name where we have none. */
export const channelName = (channel: string): string => textOr(`channel.${channel}`, channel);

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Duration, two units at most: 31 h, 5 h 12 m, 12 m, 40 s. */
export function span(ms: number): string {
  const whole = Math.max(0, ms);
  const [hours, minutes] = [Math.floor(whole / HOUR_MS), Math.floor((whole % HOUR_MS) / MINUTE_MS)];
  if (hours >= 10) return t('span.hours', { h: hours });
  if (hours > 0) return t('span.hours_minutes', { h: hours, m: minutes });
  return minutes > 0 ? t('span.minutes', { m: minutes }) : t('span.seconds', { s: Math.ceil(whole / 1000) });
}

/** Reason for a closed window by its key: our text, else the channel's phrase, else a general one. */
export function phrase(channel: string, known: Channel | undefined, key: string): string {
  const plain = textOr(`reason.${key}`, '');
  const own = locale() === 'en' ? known?.phrases[key] : undefined;
  return own ?? textOr(`reason.${channel}_${key}`, known?.phrases[key] ?? (plain || t('reason.platform')));
}

/** Reason for a message that is held or failed, from its delivery's error. */
export function reason(channel: string, known: Channel | undefined, error: Outcome['error']): string {
  const { code, text } = error ?? { code: '', text: '' };
  switch (code) {
    case 'channel.window_time':
    case 'channel.window_count':
    case 'channel.window_never':
      return phrase(channel, known, code.slice('channel.window_'.length));
    case 'channel.window_platform':
      return phrase(channel, known, text);
    case 'channel.paused':
      return t('reason.paused', { text: inWords(channel, text) });
    case 'inbox.removed':
      return t('reason.removed');
    case 'channel.gave_up':
      return t('reason.gave_up', { text });
    case 'channel.unknown':
      return t('reason.unknown');
    default:
      return inWords(channel, text) || t('reason.refused', { code });
  }
}
