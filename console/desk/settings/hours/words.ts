/** Hours of the week in words. */
import { locale, t } from '../texts.ts';
import { runs, type Week } from './hours.ts';

/** Monday is 0; the 1st of January 2024 was one. */
export const dayName = (day: number, width: 'long' | 'short' = 'long'): string =>
  new Intl.DateTimeFormat(locale() === 'en' ? 'en-GB' : locale(), { weekday: width, timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + day));

/** Mon–Fri 09:00–18:00, Sat 10:00–12:00 */
export function weekText(week: Week): string {
  const told = runs(week).map(({ first, last, hours }) => {
    const days = first === last ? dayName(first, 'short') : `${dayName(first, 'short')}–${dayName(last, 'short')}`;
    return `${days} ${hours}`;
  });
  return told.join('; ') || t('hours.never');
}

/** The time that it is in a zone now; empty where the browser doesn't know the zone. */
export function timeIn(zone: string, at: number): string {
  try {
    return new Intl.DateTimeFormat(locale() === 'en' ? 'en-GB' : locale(), { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
  } catch {
    return '';
  }
}

/** Zones that the browser knows; the node looks again. */
export const zones = (): readonly string[] => Intl.supportedValuesOf('timeZone');
