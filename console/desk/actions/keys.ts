/** Keys of the desk: single letters or two in a row ("g i"), off while typing, off while a menu or dialog is open. */

type Handler = (event: KeyboardEvent) => void;

const handlers = new Map<string, Handler[]>();

/**
 * Registers a key (as in `KeyboardEvent.key`, letters in lower case), or two with a space between; the newest handler
 * wins. Returns the undoing.
 */
export function onKey(key: string, handler: Handler): () => void {
  handlers.set(key, [handler, ...(handlers.get(key) ?? [])]);
  return () => handlers.set(key, (handlers.get(key) ?? []).filter((one) => one !== handler));
}

/** These work while typing too. */
const ALWAYS = new Set(['F6', 'Escape']);
/** The second key of two has to follow within this time. */
const SECOND_WITHIN_MS = 1_500;

/** What was meant by `key` after `first` (empty: none). Only a first key that some pair begins with waits for a second. */
export function meant(first: string, key: string, known: Iterable<string>): { readonly run: string; readonly first: string } {
  const keys = new Set(known);
  if (first !== '' && keys.has(`${first} ${key}`)) return { run: `${first} ${key}`, first: '' };
  const begins = [...keys].some((one) => one.startsWith(`${key} `));
  return { run: keys.has(key) ? key : '', first: begins ? key : '' };
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function listenForKeys(): () => void {
  let first = '';
  let firstAt = 0;
  const listen = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!ALWAYS.has(key) && isTyping(event.target)) return;
    if (document.querySelector('[role="menu"], [role="dialog"]') !== null) return;
    const registered = [...handlers].flatMap(([name, all]) => (all.length > 0 ? [name] : []));
    const understood = meant(event.timeStamp - firstAt < SECOND_WITHIN_MS ? first : '', key, registered);
    [first, firstAt] = [understood.first, event.timeStamp];
    const handler = handlers.get(understood.run)?.[0];
    if (handler === undefined) return;
    event.preventDefault();
    handler(event);
  };
  addEventListener('keydown', listen);
  return () => removeEventListener('keydown', listen);
}

/** F6: focus moves to the next of the panes marked `data-pane`. */
export function nextPane(): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter((pane) => pane.offsetParent !== null);
  const here = panes.findIndex((pane) => pane.contains(document.activeElement));
  const next = panes[(here + 1) % panes.length];
  const target = next?.matches('[tabindex], a, button, textarea') ? next : next?.querySelector<HTMLElement>('[tabindex="0"], textarea, a[aria-current], a, button');
  target?.focus();
}
