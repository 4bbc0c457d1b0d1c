/** What channels say of failures, which is English, in the reader's language where we have words for it. */
import { createSignal } from 'solid-js';
import { locale } from '../words/texts.ts';

/** By channel (empty: any): of the number in brackets, else of the sentence, or with … of how it begins. */
export type Reasons = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** `text` in the words of `known`; as it is where they have none for it. Pure. */
export function worded(known: Reasons, channel: string, text: string): string {
  for (const words of [known[channel] ?? {}, known[''] ?? {}]) {
    const code = /\((\d+)\)/.exec(text)?.[1] ?? '';
    const whole = words[code] ?? words[text];
    if (whole !== undefined) return whole;
    const begins = Object.keys(words).find((key) => key.endsWith('…') && text.startsWith(key.slice(0, -1)));
    if (begins !== undefined) return (words[begins] ?? '') + text.slice(begins.length - 1);
  }
  return text;
}

/** The name of a lost file with its reason, which stands in the brackets behind it, as `told` has it. Pure. */
export function lostAs(name: string, told: (reason: string) => string): string {
  const at = name.indexOf(' (');
  const reason = at < 0 || !name.endsWith(')') ? '' : name.slice(at + 2, -1);
  return reason === '' ? name : `${name.slice(0, at)} (${told(reason)})`;
}

const [known, setKnown] = createSignal<Reasons>({});
let isAsked = false;

/** A channel's reason in the reader's language: their words are fetched when the first is needed. */
export function inWords(channel: string, text: string): string {
  if (locale() === 'en' || text === '') return text;
  if (!isAsked) {
    isAsked = true;
    void import('../locale/reasons.zh-CN.json').then((loaded) => setKnown(loaded.default));
  }
  return worded(known(), channel, text);
}

/** The name of a channel's file that couldn't be had. */
export const lostInWords = (channel: string, name: string): string => lostAs(name, (reason) => inWords(channel, reason));
