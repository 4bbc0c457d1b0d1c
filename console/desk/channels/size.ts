/** How long a text is in a channel's own measure, and as how many messages it goes out. Pure. */

export interface TextLimit {
  readonly most: number;
  readonly measure: 'bytes' | 'utf16' | 'chars';
}

const encoder = new TextEncoder();

export function sizeOf(text: string, measure: TextLimit['measure']): number {
  if (measure === 'bytes') return encoder.encode(text).length;
  return measure === 'utf16' ? text.length : [...text].length;
}

/** Messages that a text becomes at least: it is cut where sentences end, so there may be one more. */
export const partsOf = (text: string, limit: TextLimit): number => Math.max(1, Math.ceil(sizeOf(text, limit.measure) / limit.most));
