/** Slice: the route that the address bar holds. */
import { createSignal } from 'solid-js';
import { parseRoute, type Route } from './address.ts';

const [route, setRoute] = createSignal<Route>(parseRoute(''));
let moves = 0;
export { route };

/** Whether the page may be left for another address; false keeps the address and the page as they are. */
type Keeper = (href: string) => boolean;
const keepers = new Set<Keeper>();

/** Asks `keep` before each change of the route, such as a form that isn't saved; returns the undoing. */
export function keepRoute(keep: Keeper): () => void {
  keepers.add(keep);
  return () => void keepers.delete(keep);
}

/** Takes the route from the address bar, now and at every change; once a page. */
export function followAddress(): void {
  setRoute(parseRoute(location.hash));
  addEventListener('hashchange', (event) => {
    // A hashchange can't be cancelled: the address that it left is put back in the history's present entry.
    if (![...keepers].every((keep) => keep(location.hash))) return history.replaceState(history.state, '', event.oldURL);
    moves += 1;
    setRoute(parseRoute(location.hash));
  });
}

/** Whether the person navigated within the desk; false for a page opened by its address. */
export const hasMoved = (): boolean => moves > 0;

export function go(href: string): void {
  location.hash = href;
}
