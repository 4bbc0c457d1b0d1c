/** Short messages at the foot of the screen: one at a time, said aloud, gone after a while. */
import { createSignal } from 'solid-js';

export interface Toast {
  readonly text: string;
  /** A stable error code: shown in the reader's own language where we have words for it. */
  readonly code?: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

const SHOWN_FOR_MS = 7_000;

const [shown, setShown] = createSignal<Toast | null>(null);
export { shown };

let timer: ReturnType<typeof setTimeout> | undefined;

export function toast(next: Toast): void {
  clearTimeout(timer);
  setShown(next);
  timer = setTimeout(() => setShown(null), SHOWN_FOR_MS);
}

export function dismiss(): void {
  clearTimeout(timer);
  setShown(null);
}
