/** Form model of an account: fields as the node declares them, entered values, validation. Pure. */
import type { ChannelForm, Field } from '../../../api/rest.ts';

export type { ChannelForm, Field };

/** Values of the controls by key: text of inputs, state of check boxes. */
export type Entered = Readonly<Record<string, string | boolean>>;

/** Initial values: the account's settings, else defaults; empty for secrets, which the node never sends. */
export function begin(fields: readonly Field[], settings: Readonly<Record<string, unknown>> = {}): Entered {
  return Object.fromEntries(
    fields.map((field) => {
      const value = settings[field.key] ?? field.default;
      if (field.kind === 'flag') return [field.key, value === true];
      if (field.kind === 'list') return [field.key, Array.isArray(value) ? value.join('\n') : ''];
      return [field.key, value === undefined || value === null ? '' : String(value)];
    }),
  );
}

/** Whether a field goes under *advanced*: it is optional and has a default. */
export const isRare = (field: Field): boolean =>
  field.required !== true && field.secret !== true && field.kind !== 'choice' && field.kind !== 'list' && (field.default ?? '') !== '';

/** Request body. Secrets in `kept` are left out, which leaves them unchanged. */
export function valuesOf(fields: readonly Field[], entered: Entered, kept: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const value = entered[field.key] ?? '';
    if (kept.includes(field.key)) continue;
    if (typeof value === 'boolean') values[field.key] = value;
    else if (field.kind === 'list') values[field.key] = lines(value);
    else if (value === '' && (field.kind === 'whole' || field.kind === 'number' || field.kind === 'choice')) continue;
    else if (field.kind === 'whole' || field.kind === 'number') values[field.key] = Number(value);
    else values[field.key] = field.long === true ? value : value.trim();
  }
  return values;
}

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');

/** The code of what is wrong with a value, as `backbone/accounts/form.py` has it; empty if nothing is. */
export function wrongOf(field: Field, value: unknown): string {
  if (value === undefined || value === null || (field.required === true && value === '')) {
    return field.required === true ? 'field.required' : '';
  }
  if (!fits(field, value)) return 'field.form';
  if (field.kind === 'choice') return field.choices?.includes(value as string) === true ? '' : 'field.choice';
  if (isText(field) && field.pattern && !matches(field.pattern, value as string)) return 'field.form';
  const size = isText(field) ? [...(value as string)].length : field.kind === 'list' ? 0 : (value as number);
  if (field.kind === 'flag' || field.kind === 'list') return '';
  const isLess = field.is_open === true ? size <= (field.least ?? -Infinity) : size < (field.least ?? -Infinity);
  return isLess || size > (field.most ?? Infinity) ? 'field.range' : '';
}

const isText = (field: Field): boolean => (field.kind ?? 'text') === 'text';

function fits(field: Field, value: unknown): boolean {
  switch (field.kind) {
    case 'flag':
      return typeof value === 'boolean';
    case 'whole':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'list':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    default:
      return typeof value === 'string' && !value.includes('\0');
  }
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return true; // a pattern of Python's alone: the node looks again
  }
}
