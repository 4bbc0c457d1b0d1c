/** Where the keyboard is after a page has taken another's place: on what the person came for, not nowhere. */
import { hasMoved } from '../store/route.ts';

/** A `ref` for a heading or link: it takes the focus if the page before took it along. */
export function arrive(target: HTMLElement): void {
  if (!hasMoved()) return;
  requestAnimationFrame(() => {
    const { activeElement } = document;
    if (target.isConnected && (activeElement === null || activeElement === document.body)) target.focus();
  });
}
