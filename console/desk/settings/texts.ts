/** Texts of the settings, apart from the desk's: they come with the first page of settings. */
import { createTexts } from '../../ui/locale.ts';
import type en from '../locale/settings.en.json';

export const { t, locale, use } = createTexts<typeof en>({
  en: () => import('../locale/settings.en.json'),
  'zh-CN': () => import('../locale/settings.zh-CN.json'),
});

export type SettingsKey = keyof typeof en;
