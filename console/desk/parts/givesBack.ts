/** For dialogs that are drawn while they are open alone: whatever had the focus before has it again afterwards. */
import { onCleanup } from 'solid-js';

export function givesFocusBack(): void {
  const before = document.activeElement;
  onCleanup(() =>
    requestAnimationFrame(() => {
      const { activeElement } = document;
      const isNowhere = activeElement === null || activeElement === document.body;
      if (isNowhere && before instanceof HTMLElement && before.isConnected) before.focus();
    }),
  );
}
