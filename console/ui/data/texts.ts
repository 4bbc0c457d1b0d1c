/** Words for what comes beside a message's text, in both languages: they are part of the chunk that draws it. */
import { translator, type Locale } from '../../client/i18n.ts';
import en from './en.json';
import zh from './zh-CN.json';

export type DataKey = keyof typeof en;
const texts = { en: translator('en', en), 'zh-CN': translator('zh-CN', zh) };

export const words = (locale: Locale): (typeof texts)['en'] => texts[locale];

const hasWords = (key: string): key is DataKey => Object.hasOwn(en, key);

/** A name in the reader's language: of what a channel told, or of a field of it (`phones.0.phone`); one without words as it is. */
export function nameOf(name: string, leaf: string, locale: Locale): string {
  const key = [`name.${name}`, `key.${name}`, `key.${leaf}`, `name.${leaf}`].find(hasWords);
  return key === undefined ? name : words(locale)(key);
}
