/** Texts that a platform has approved. Pure. */

export interface Template {
  readonly name: string;
  readonly language: string;
  readonly text: string;
  /** Names of the places in the text, in the order of their values. */
  readonly places: readonly string[];
}

const PLACE = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g;

/** The text with its values; a place without one stays to be seen. */
export const filled = (template: Template, values: readonly string[]): string =>
  template.text.replace(PLACE, (whole, place: string) => values[template.places.indexOf(place)]?.trim() || whole);

/** Those whose name, language or text holds each of the words. */
export function matching(templates: readonly Template[], sought: string): readonly Template[] {
  const words = sought.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const isFound = ({ name, language, text }: Template): boolean => {
    const whole = `${name} ${language} ${text}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  };
  return templates.filter(isFound);
}
