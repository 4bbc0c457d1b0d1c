/** The inbox's colour, moved as far as it takes to be read, in this window and on the bubble. */
import { contrast, parseHex, readableAccent } from '../ui/style/contrast.ts';
import type { Place } from './place.ts';

export function paint(accent: string, place: Place): void {
  const page = document.documentElement;
  const surface = getComputedStyle(page).getPropertyValue('--surface').trim();
  const readable = readableAccent(accent, surface);
  if (readable === null) return; // no colour of its own: the tokens' accent stays
  page.style.setProperty('--accent', readable.accent);
  page.style.setProperty('--on-accent', readable.onAccent);
  const rgb = parseHex(accent);
  if (rgb === null) return;
  const onAccent = contrast(rgb, [255, 255, 255]) >= 4.5 ? '#ffffff' : '#06140f';
  place.tell({ t: 'keep', what: { accent, onAccent } });
}
