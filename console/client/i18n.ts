/** Texts: typed keys, `{name}` places, plural forms by `Intl.PluralRules`. One JSON file a locale. */
export type Locale = 'zh-CN' | 'en';

type Forms = { readonly one?: string; readonly other: string };
export type Texts = Readonly<Record<string, string | Forms>>;
export type Values = Readonly<Record<string, string | number>>;
export type Translate<K extends string> = (key: K, values?: Values) => string;

/** The first of `wanted` (BCP 47 tags, best first) that we speak; Chinese of any kind reads `zh-CN`. */
export function pickLocale(wanted: readonly (string | null | undefined)[]): Locale {
  for (const tag of wanted) {
    const language = tag?.toLowerCase().split('-')[0];
    if (language === 'zh') return 'zh-CN';
    if (language === 'en') return 'en';
  }
  return 'en';
}

/** A function from key to text; `n` among the values chooses the plural form. */
export function translator<T extends Texts>(locale: Locale, texts: T): Translate<keyof T & string> {
  const rules = new Intl.PluralRules(locale);
  return (key, values = {}) => {
    const entry: string | Forms | undefined = texts[key];
    if (entry === undefined) return key;
    const forms: Forms = typeof entry === 'string' ? { other: entry } : entry;
    const form = rules.select(Number(values['n'] ?? 0)) === 'one' ? (forms.one ?? forms.other) : forms.other;
    return form.replace(/\{(\w+)\}/g, (_place, name: string) => String(values[name] ?? ''));
  };
}
