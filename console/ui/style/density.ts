/** Density of lists in local storage; `early.js` applies it before the first paint. */
import { createSignal } from 'solid-js';

export type Density = 'comfortable' | 'compact';

const [density, setDensity] = createSignal<Density>(document.documentElement.dataset['density'] === 'compact' ? 'compact' : 'comfortable');
export { density };

export function chooseDensity(next: Density): void {
  setDensity(next);
  document.documentElement.dataset['density'] = next;
  try {
    localStorage.setItem('trunkline.density', next);
  } catch {
    // storage is blocked: the choice lasts as long as the page
  }
}
