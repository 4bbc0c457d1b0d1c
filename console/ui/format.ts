/** Times, sizes and links as people read them. Pure: the locale and the present are arguments. */

const cached = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  // English without a country: day before month, as most of its readers write it.
  const known = cached.get(key) ?? new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, options);
  cached.set(key, known);
  return known;
}

/** Local midnight of the day that `at` lies in. */
export function dayOf(at: number): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** 14:31 */
export const clock = (at: number, locale: string): string =>
  formatter(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);

/** Today, Tuesday 24 November; with the year when it is another one. */
export function day(at: number, now: number, locale: string): string {
  const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' as const };
  const date = formatter(locale, { weekday: 'long', day: 'numeric', month: 'long', ...year }).format(at);
  const ago = Math.round((dayOf(at) - dayOf(now)) / 86_400_000);
  if (ago < -1 || ago > 0) return date;
  const word = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(ago, 'day');
  return locale === 'en' ? `${word.charAt(0).toUpperCase()}${word.slice(1)}, ${date}` : `${word} ${date}`;
}

/** Date and time to the second. */
export const exact = (at: number, locale: string): string =>
  formatter(locale, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(at);

/** 14:31 today, 24 Nov before. */
export const timeOrDay = (at: number, now: number, locale: string): string =>
  dayOf(at) === dayOf(now) ? clock(at, locale) : formatter(locale, { day: 'numeric', month: 'short' }).format(at);

export type AgeUnit = 'now' | 'minutes' | 'hours' | 'days';

/** How long ago, in one unit: {unit, n}. */
export function age(at: number, now: number): { unit: AgeUnit; n: number } {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return { unit: 'now', n: 0 };
  if (minutes < 60) return { unit: 'minutes', n: minutes };
  if (minutes < 48 * 60) return { unit: 'hours', n: Math.floor(minutes / 60) };
  return { unit: 'days', n: Math.floor(minutes / 1440) };
}

/** 0:48, 4:10, 1:02:03 */
export function stopwatch(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 840 B, 12 KB, 3.4 MB (1 KB is 1,000 bytes). */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** 999+ beyond 999. */
export const count = (n: number): string => (n > 999 ? '999+' : String(n));

/** The first letter or character of a name, for an avatar. */
export const initial = (name: string): string => [...name.trim()][0]?.toUpperCase() ?? '?';

export type Piece = { readonly text: string; readonly href?: string };

const LINK = /\b(?:https?:\/\/|mailto:|tel:)[^\s<>"'，。；！？、）】」]+/gi;

const MARKS = '.,;:!?)]';

/** An address without the punctuation behind it. A pattern that ends in `$` is tried at each mark, with all that follow. */
function withoutMarks(text: string): string {
  let end = text.length;
  while (end > 0 && MARKS.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Text cut into plain pieces and links; only http(s), mailto and tel become links. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = withoutMarks(match[0]);
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length || found.length === 0) found.push({ text: text.slice(end) });
  return found;
}

/** A picture's box: its own size scaled into `maxWidth` x `maxHeight`, or a square-ish default if unknown. */
export function box(width: number, height: number, maxWidth: number, maxHeight: number): { width: number; height: number } {
  if (width <= 0 || height <= 0) return { width: maxWidth, height: Math.round((maxWidth * 2) / 3) };
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  return { width: Math.max(24, Math.round(width * scale)), height: Math.max(24, Math.round(height * scale)) };
}
