/** Focus after a navigation: replacing a page drops it to `<body>`, so the new page's heading or link takes it. */
import { hasMoved } from '../store/route.ts';

/** `ref` that focuses its element unless something else has the focus; not on the first page load. */
export function arrive(target: HTMLElement): void {
  if (!hasMoved()) return;
  requestAnimationFrame(() => {
    const { activeElement } = document;
    if (target.isConnected && (activeElement === null || activeElement === document.body)) target.focus();
  });
}
