/** Key map: from a pressed key to the action that it runs. Off while a menu or dialog is open, and in fields but for some. */
import type { Desk } from '../store/desk.ts';
import type { Action, Scene } from './action.ts';
import { ACTIONS } from './all.ts';
import { mounted } from './scene.ts';

/** The second key of a sequence has to follow within this time. */
const SECOND_WITHIN_MS = 1_500;

/** What `key` means after `first` (empty: none). Only a first key that some sequence begins with waits for a second. Pure. */
export function meant(first: string, key: string, known: Iterable<string>): { readonly run: string; readonly first: string } {
  const keys = new Set(known);
  if (first !== '' && keys.has(`${first} ${key}`)) return { run: `${first} ${key}`, first: '' };
  const begins = [...keys].some((one) => one.startsWith(`${key} `));
  return { run: keys.has(key) ? key : '', first: begins ? key : '' };
}

type Press = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey'> & Partial<Pick<KeyboardEvent, 'ctrlKey' | 'metaKey'>>;

/** A pressed key as actions name it. Only Enter means something else with a modifier; `?` needs Shift on most keyboards. Pure. */
export function chord({ key, shiftKey, altKey, ctrlKey, metaKey }: Press): string {
  if (key === 'Enter') return ctrlKey === true || metaKey === true ? 'Ctrl+Enter' : `${altKey ? 'Alt+' : ''}${shiftKey ? 'Shift+' : ''}${key}`;
  return key.length === 1 ? key.toLowerCase() : key;
}

/** The actions that can be run now, of those that count where the focus is: in a target, in another field, or elsewhere. Pure. */
export function available(actions: readonly Action[], scene: Scene, focus: Action['in'] | 'field' | ''): readonly Action[] {
  const counts = (one: Action): boolean =>
    focus === 'list' || focus === 'composer' ? one.in === focus : one.in === undefined && (focus === '' || one.whileTyping === true);
  return actions.filter((one) => counts(one) && one.when(scene));
}

/** For the element of a target, whose own keys come first. True if an action took the key. */
export function pressedIn(target: 'list' | 'composer', event: KeyboardEvent, desk: Desk): boolean {
  const scene = { desk, targets: mounted };
  const action = available(ACTIONS, scene, target).find((one) => one.keys.includes(chord({ key: event.key, shiftKey: event.shiftKey, altKey: event.altKey })));
  if (action === undefined) return false;
  event.preventDefault();
  event.stopPropagation();
  action.run(scene);
  return true;
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Listens on the window; returns the undoing. */
export function listenForKeys(desk: Desk): () => void {
  const scene = { desk, targets: mounted };
  let first = '';
  let firstAt = 0;
  const listen = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key !== 'Enter') return;
    const key = chord(event);
    const isTyping = isField(event.target);
    const actions = available(ACTIONS, scene, isTyping ? 'field' : '');
    if (isTyping && !actions.some(({ keys }) => keys.includes(key))) return;
    if (document.querySelector('[role="menu"], [role="dialog"]') !== null) return;
    const understood = meant(event.timeStamp - firstAt < SECOND_WITHIN_MS ? first : '', key, actions.flatMap(({ keys }) => keys));
    [first, firstAt] = [understood.first, event.timeStamp];
    const action = actions.find(({ keys }) => keys.includes(understood.run));
    if (action === undefined) return;
    event.preventDefault();
    action.run(scene);
  };
  addEventListener('keydown', listen);
  return () => removeEventListener('keydown', listen);
}
