/** The texts of one app as a signal: everything that reads `t` follows a change of language. */
import { createSignal } from 'solid-js';
import { translator, type Locale, type Texts, type Translate } from '../client/i18n.ts';

export interface AppTexts<K extends string> {
  readonly t: Translate<K>;
  readonly locale: () => Locale;
  /** Loads the texts of a locale and shows them; also sets the page's language. */
  readonly use: (locale: Locale) => Promise<void>;
}

/** `load` fetches the texts of a locale, `T` being the English ones; a test holds the locales to the same keys. */
export function createTexts<T extends Texts>(
  load: Readonly<Record<Locale, () => Promise<{ readonly default: unknown }>>>,
): AppTexts<keyof T & string> {
  const [current, setCurrent] = createSignal<{ locale: Locale; t: Translate<keyof T & string> }>({
    locale: 'en',
    t: (key) => key,
  });
  return {
    t: (key, values) => current().t(key, values),
    locale: () => current().locale,
    async use(locale) {
      const texts = (await load[locale]()).default as T;
      document.documentElement.lang = locale;
      setCurrent({ locale, t: translator(locale, texts) });
    },
  };
}
