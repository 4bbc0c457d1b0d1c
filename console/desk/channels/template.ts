/** Message templates approved by a platform: filling places, search, file rules. Pure. */
import type { TemplateOut } from '../../api/rest.ts';
import type { Carries, Kept } from './plan.ts';

export type Template = TemplateOut;

const PLACE = /\{\{\s*([A-Za-z0-9_.]+)\s*\}\}/g;

/** Text with its places filled; a place without a value stays as `{{name}}`. */
export const filled = (template: Template, values: readonly string[]): string =>
  template.text.replace(PLACE, (whole, place: string) => values[template.places.indexOf(place)]?.trim() || whole);

/** Component of a place and its name there: `title.1` is 1 in the title, `button.1` the end of the first button's address. */
export function whereIs(place: string): { readonly where: 'text' | 'title' | 'button'; readonly place: string } {
  const [, where, name] = /^(title|button)\.(.+)$/.exec(place) ?? [];
  return where === undefined || name === undefined ? { where: 'text', place } : { where: where as 'title' | 'button', place: name };
}

/** Whether a file may stand above the text: `file_problem` of `backbone/accounts/templates.py` asks the same. */
export function fits(channel: Pick<Carries, 'media_types' | 'media_bytes'> | undefined, { file: kind }: Pick<Template, 'file'>, file: Kept): boolean {
  const isOfKind = kind === 'file' || file.mime.startsWith(`${kind}/`);
  const isTaken = channel?.media_types?.[kind]?.includes(file.mime) ?? true;
  return isOfKind && isTaken && file.bytes <= (channel?.media_bytes[kind] ?? file.bytes);
}

/** Templates that hold every word in name, language or text. */
export function matching(templates: readonly Template[], sought: string): readonly Template[] {
  const words = sought.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const isFound = ({ name, language, text }: Template): boolean => {
    const whole = `${name} ${language} ${text}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  };
  return templates.filter(isFound);
}
