import { createEffect, createSignal, onCleanup, type Accessor } from 'solid-js';

/** Debounce of loading states: true once `waits` has been true for 150 ms, so that a skeleton doesn't flash. */
export function delayed(waits: Accessor<boolean>): Accessor<boolean> {
  const [isLate, setLate] = createSignal(false);
  createEffect(() => {
    setLate(false);
    if (!waits()) return;
    const timer = setTimeout(() => setLate(true), 150);
    onCleanup(() => clearTimeout(timer));
  });
  return isLate;
}
