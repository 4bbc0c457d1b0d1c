/** Slice: the route that the address bar holds. */
import { createSignal } from 'solid-js';
import { parseRoute, type Route } from './address.ts';

const [route, setRoute] = createSignal<Route>(parseRoute(''));
let moves = 0;
export { route };

/** Takes the route from the address bar, now and at every change; once a page. */
export function followAddress(): void {
  setRoute(parseRoute(location.hash));
  addEventListener('hashchange', () => {
    moves += 1;
    setRoute(parseRoute(location.hash));
  });
}

/** Whether the person navigated within the desk; false for a page opened by its address. */
export const hasMoved = (): boolean => moves > 0;

export function go(href: string): void {
  location.hash = href;
}
