/** Chosen locale, in this device's local storage. */
import { pickLocale, type Locale } from '../../client/i18n.ts';
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

/** The language of somebody's profile counts on devices where none was chosen. Empty: that of the browser. */
export function preferLocale(locale: string): void {
  if (locale !== '' && rememberedLocale() === null) void use(pickLocale([locale]));
}

/** The language of the profile was changed here: it counts on this device too, whatever was chosen before. */
export async function followLocale(locale: string): Promise<void> {
  if (locale !== '') return chooseLocale(pickLocale([locale]));
  try {
    localStorage.removeItem(KEY);
  } catch {
    // storage is blocked: nothing is remembered
  }
  await use(pickLocale(navigator.languages));
}
