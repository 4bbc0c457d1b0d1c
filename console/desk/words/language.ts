/** Chosen locale, in this device's local storage. */
import type { Locale } from '../../client/i18n.ts';
import { use } from './texts.ts';

const KEY = 'trunkline.locale';

export function rememberedLocale(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is blocked: the browser's languages decide
  }
}

export async function chooseLocale(locale: Locale): Promise<void> {
  await use(locale);
  try {
    localStorage.setItem(KEY, locale);
  } catch {
    // storage is blocked: the choice lasts as long as the page
  }
}
