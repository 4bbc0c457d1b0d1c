/** Slice: the toast, one at a time, a polite live region, dismissed after 7 s. */
import { createSignal } from 'solid-js';

export interface Toast {
  readonly text: string;
  /** Error code; its text in the reader's locale replaces `text` if there is one. */
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
