/** Length of a text in a channel's unit, and the number of messages that it is split into. Pure. */

export interface TextLimit {
  readonly most: number;
  readonly measure: 'bytes' | 'utf16' | 'chars';
}

const encoder = new TextEncoder();

export function sizeOf(text: string, measure: TextLimit['measure']): number {
  if (measure === 'bytes') return encoder.encode(text).length;
  return measure === 'utf16' ? text.length : [...text].length;
}

/** Lower bound of messages: splitting at sentence ends may need one more. */
export const partsOf = (text: string, limit: TextLimit): number => Math.max(1, Math.ceil(sizeOf(text, limit.measure) / limit.most));
