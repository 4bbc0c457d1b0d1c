/** Theme (light, dark, system) in local storage; `early.js` applies it before the first paint. */
import { createSignal } from 'solid-js';

export type Theme = 'light' | 'dark' | 'system';

const KEY = 'trunkline.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system'; // storage is blocked
  }
}

const [theme, setTheme] = createSignal<Theme>(remembered());
export { theme };

function apply(): void {
  const isDark = theme() === 'dark' || (theme() === 'system' && system.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

system.addEventListener('change', apply);

export function chooseTheme(next: Theme): void {
  setTheme(next);
  apply();
  try {
    if (next === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // storage is blocked: the choice lasts as long as the page
  }
}
