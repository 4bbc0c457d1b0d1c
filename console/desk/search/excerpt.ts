/** Search excerpt: 200 characters around the first hit, hits marked. Pure. */

export interface Part {
  readonly text: string;
  readonly isHit: boolean;
}

const BEFORE = 40;
const WIDTH = 200;

export function cutAround(text: string, query: string): Part[] {
  const flat = text.replace(/\s+/g, ' ');
  const words = [...new Set(query.toLowerCase().split(/\s+/).filter((word) => word !== ''))];
  const low = flat.toLowerCase();
  const first = Math.min(...words.map((word) => low.indexOf(word)).filter((at) => at >= 0), flat.length);
  const from = first === flat.length || first <= BEFORE ? 0 : first - BEFORE;
  const window = `${from > 0 ? '…' : ''}${flat.slice(from, from + WIDTH)}${from + WIDTH < flat.length ? '…' : ''}`;
  const parts: Part[] = [];
  let at = 0;
  while (at < window.length) {
    const rest = window.toLowerCase().slice(at);
    const next = words
      .map((word) => ({ word, place: rest.indexOf(word) }))
      .filter(({ place }) => place >= 0)
      .sort((a, b) => a.place - b.place || b.word.length - a.word.length)[0];
    if (next === undefined) break;
    if (next.place > 0) parts.push({ text: window.slice(at, at + next.place), isHit: false });
    parts.push({ text: window.slice(at + next.place, at + next.place + next.word.length), isHit: true });
    at += next.place + next.word.length;
  }
  if (at < window.length || parts.length === 0) parts.push({ text: window.slice(at), isHit: false });
  return parts;
}
