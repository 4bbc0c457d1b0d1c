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

/** Place of the shown entry among those of this page, kept in each entry's state: *back* has a lower one, a link none yet. */
let place = 0;
const placeOf = (): number | undefined => (history.state as { place?: number } | null)?.place;

function arrived(): void {
  place = placeOf() ?? place + 1;
  history.replaceState({ place }, '');
  setRoute(parseRoute(location.hash));
}

/** Takes the route from the address bar, now and at every change; once a page. */
export function followAddress(): void {
  let isReturning = false;
  arrived();
  addEventListener('hashchange', () => {
    if (isReturning) {
      isReturning = false;
      return;
    }
    if (![...keepers].every((keep) => keep(location.hash))) {
      // A hashchange can't be cancelled: the history goes back to the entry that was shown.
      isReturning = true;
      return history.go(place - (placeOf() ?? place + 1) || -1);
    }
    moves += 1;
    arrived();
  });
}

/** Whether the person navigated within the desk; false for a page opened by its address. */
export const hasMoved = (): boolean => moves > 0;

export function go(href: string): void {
  location.hash = href;
}
