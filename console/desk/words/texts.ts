import type en from '../locale/en.json';
import { createTexts } from '../../ui/locale.ts';

/** The desk's texts, in English and Chinese. */
export const { t, locale, use } = createTexts<typeof en>({
  en: () => import('../locale/en.json'),
  'zh-CN': () => import('../locale/zh-CN.json'),
});

export type TextKey = keyof typeof en;
