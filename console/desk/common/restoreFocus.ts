/** Focus restoration for dialogs that are unmounted when closed: what had the focus before gets it back. */
import { onCleanup } from 'solid-js';

export function restoresFocus(): void {
  const before = document.activeElement;
  onCleanup(() =>
    requestAnimationFrame(() => {
      const { activeElement } = document;
      const isNowhere = activeElement === null || activeElement === document.body;
      if (isNowhere && before instanceof HTMLElement && before.isConnected) before.focus();
    }),
  );
}
