/** What the desk's and the visitor's composer have in common: IME, typing signals, pasted files. */

const TYPING_EVERY_MS = 3_000;

/** True for keys that belong to an IME; 229 is the Enter that ends a composition in browsers that clear the flag too early. */
export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;

/** Enter without a modifier, and not an IME's. */
export const isSendKey = (event: KeyboardEvent): boolean =>
  event.key === 'Enter' && !event.shiftKey && !event.altKey && !isComposing(event);

/** The files of a paste, which is then ours; none: the browser pastes text. */
export function pastedFiles(event: ClipboardEvent): File[] {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length > 0) event.preventDefault();
  return files;
}

/** A text as it is sent: trimmed, and without half emoji, which a cut text may end with and no node takes. */
export const sendable = (text: string): string => text.trim().replace(/\p{Cs}/gu, '\ufffd');

export interface Typing {
  /** The text has changed to `text`. */
  wrote(text: string): void;
  stopped(): void;
}

/** Tells at most every 3 s that somebody types, and once that they stopped. */
export function createTyping(tell: (isTyping: boolean) => void): Typing {
  let toldAt = 0;
  const stopped = (): void => {
    if (toldAt > 0) tell(false);
    toldAt = 0;
  };
  return {
    wrote(text) {
      if (text === '') stopped();
      else if (Date.now() - toldAt >= TYPING_EVERY_MS) {
        toldAt = Date.now();
        tell(true);
      }
    },
    stopped,
  };
}
