/** Spans of time as people enter them: a number and a unit. Pure. */

export const UNITS = ['minutes', 'hours', 'days'] as const;
export type Unit = (typeof UNITS)[number];

const SECONDS: Readonly<Record<Unit, number>> = { minutes: 60, hours: 3_600, days: 86_400 };

export interface Span {
  readonly n: number;
  readonly unit: Unit;
}

/** Seconds in the largest unit that holds them without a rest; 72 hours are 3 days. */
export function spanOf(seconds: number): Span {
  const unit = [...UNITS].reverse().find((one) => seconds > 0 && seconds % SECONDS[one] === 0) ?? (seconds === 0 ? 'hours' : 'minutes');
  return { n: Math.round((seconds / SECONDS[unit]) * 100) / 100, unit };
}

export const secondsOf = ({ n, unit }: Span): number => Math.round(n * SECONDS[unit]);
