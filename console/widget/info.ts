/** What the window shows before anybody writes, and in which language. */
import { pickLocale, type Locale } from '../client/i18n.ts';
import type { WidgetOut } from '../api/rest.ts';
import { call } from '../ui/rest.ts';
import type { Place } from './place.ts';

export type InboxInfo = WidgetOut;

/** Raises `Problem`. */
export const inboxInfo = (inbox: string): Promise<InboxInfo> => call<InboxInfo>('GET', `inboxes/${inbox}/widget`);

/** Set, else the page's, else the browser's, else the inbox's. */
export const localeOf = (place: Place, info: InboxInfo): Locale =>
  pickLocale([place.locale, ...navigator.languages, info.locale]);
