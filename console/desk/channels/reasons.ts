/** Translation of reasons that channels give in English, by code, sentence or prefix. */
import { createSignal } from 'solid-js';
import { locale } from '../words/texts.ts';

/** Translations by channel (empty: any), keyed by the code in brackets, the sentence, or a prefix that ends in `…`. */
export type Reasons = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Translation of `text`, else itself. Pure. */
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

/** Name of a file that couldn't be fetched, `name (reason)`, with its reason translated. Pure. */
export function lostAs(name: string, told: (reason: string) => string): string {
  const at = name.indexOf(' (');
  const reason = at < 0 || !name.endsWith(')') ? '' : name.slice(at + 2, -1);
  return reason === '' ? name : `${name.slice(0, at)} (${told(reason)})`;
}

const [known, setKnown] = createSignal<Reasons>({});
let isAsked = false;

/** A reason in the reader's locale; the JSON chunk of translations is loaded at first use. */
export function inWords(channel: string, text: string): string {
  if (locale() === 'en' || text === '') return text;
  if (!isAsked) {
    isAsked = true;
    void import('../locale/reasons.zh-CN.json').then((loaded) => setKnown(loaded.default));
  }
  return worded(known(), channel, text);
}

/** Name of a file that the adapter couldn't fetch, its reason translated. */
export const lostInWords = (channel: string, name: string): string => lostAs(name, (reason) => inWords(channel, reason));
