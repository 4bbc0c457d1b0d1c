/** Focus after a navigation within the settings: the heading of the page takes it, also from the link that led there. */
import { hasMoved } from '../../store/route.ts';

/** `ref` of a page's heading. What has the focus within the page keeps it, such as a field that a refusal moved it to. */
export function heading(target: HTMLElement): void {
  if (!hasMoved()) return;
  requestAnimationFrame(() => {
    const { activeElement } = document;
    const isFree = activeElement === null || activeElement === document.body || activeElement.closest('nav') !== null;
    if (target.isConnected && isFree) target.focus();
  });
}
