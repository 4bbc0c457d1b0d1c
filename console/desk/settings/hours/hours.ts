/** Business hours as people type them, and as a record holds them: minutes of the day. Pure. */
import type { Hours, SpecialDay, WeeklyHours } from '../../../api/rest.ts';

/** An interval as it is typed: `09:00`, `9`, `18:30`, `24:00`. */
export interface Interval {
  readonly from: string;
  readonly to: string;
}

export interface Special {
  readonly date: string;
  readonly name: string;
  readonly hours: readonly Interval[];
}

export const DAYS = [0, 1, 2, 3, 4, 5, 6] as const;
export type Week = readonly (readonly Interval[])[];

const DAY_MIN = 1440;
const TIME = /^(\d{1,2})(?:[:：.]?([0-5]\d))?$/;

/** Minutes of the day; NaN where it is no time. */
export function minutesOf(text: string): number {
  const found = TIME.exec(text.trim());
  if (found === null) return NaN;
  const minutes = Number(found[1]) * 60 + Number(found[2] ?? 0);
  return minutes <= DAY_MIN ? minutes : NaN;
}

export const timeOf = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** A time as it is shown once its field is left; what is no time stays as it was typed. */
export function tidy(text: string): string {
  const minutes = minutesOf(text);
  return Number.isNaN(minutes) ? text : timeOf(minutes);
}

export const intervalsOf = (hours: readonly Hours[]): readonly Interval[] => hours.map(({ start, end }) => ({ from: timeOf(start), to: timeOf(end) }));
export const hoursOf = (intervals: readonly Interval[]): Hours[] => intervals.map(({ from, to }) => ({ start: minutesOf(from), end: minutesOf(to) }));

/** Seven days from Monday. */
export const weekOf = (week: readonly WeeklyHours[]): Week => DAYS.map((day) => intervalsOf(week.find((one) => one.day === day)?.hours ?? []));

/** The days of a week that have hours. */
export const recordOf = (week: Week): WeeklyHours[] => DAYS.map((day) => ({ day, hours: hoursOf(week[day] ?? []) })).filter(({ hours }) => hours.length > 0);

export const specialsOf = (days: readonly SpecialDay[]): readonly Special[] => days.map(({ date, name, hours }) => ({ date, name: name ?? '', hours: intervalsOf(hours ?? []) }));
export const specialRecordOf = (days: readonly Special[]): SpecialDay[] =>
  days.map(({ date, name, hours }) => ({ date, name: name.trim(), hours: hoursOf(hours) })).sort((a, b) => (a.date < b.date ? -1 : 1));

export type Fault = '' | 'time' | 'order' | 'overlap';

/** What is wrong with the intervals of one day. */
export function faultOf(intervals: readonly Interval[]): Fault {
  const hours = hoursOf(intervals);
  if (hours.some(({ start, end }) => Number.isNaN(start) || Number.isNaN(end))) return 'time';
  if (hours.some(({ start, end }) => start >= end)) return 'order';
  const sorted = [...hours].sort((a, b) => a.start - b.start);
  return sorted.some(({ start }, n) => n > 0 && start < (sorted[n - 1]?.end ?? 0)) ? 'overlap' : '';
}

/** The interval that is offered next on a day: the usual hours, then the afternoon behind what is there. */
export function nextInterval(intervals: readonly Interval[]): Interval {
  const end = Math.max(...hoursOf(intervals).map((one) => one.end), 0);
  if (end === 0 || Number.isNaN(end)) return { from: '09:00', to: '18:00' };
  const from = Math.min(end + 60, DAY_MIN - 60);
  return { from: timeOf(from), to: timeOf(Math.max(from + 60, Math.min(from + 240, DAY_MIN))) };
}

/** Days of the same hours in a row: `[[0, 4], '09:00–18:00']` for Monday to Friday. */
export function runs(week: Week): readonly { readonly first: number; readonly last: number; readonly hours: string }[] {
  const texts = DAYS.map((day) => (week[day] ?? []).map(({ from, to }) => `${tidy(from)}–${tidy(to)}`).join(', '));
  const found: { first: number; last: number; hours: string }[] = [];
  for (const day of DAYS) {
    const before = found.at(-1);
    const hours = texts[day] ?? '';
    if (before !== undefined && before.hours === hours) before.last = day;
    else found.push({ first: day, last: day, hours });
  }
  return found.filter(({ hours }) => hours !== '');
}
