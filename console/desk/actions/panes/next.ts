import { on, type Action } from '../action.ts';

/** Moves the focus to the next of the panes marked `data-pane`, round and round. */
function nextPane(): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter((pane) => pane.offsetParent !== null);
  const here = panes.findIndex((pane) => pane.contains(document.activeElement));
  const next = panes[(here + 1) % panes.length];
  const target = next?.matches('[tabindex], a, button, textarea') ? next : next?.querySelector<HTMLElement>('[tabindex="0"], textarea, a[aria-current], a, button');
  target?.focus();
}

export default {
  id: 'panes/next',
  keys: ['F6'],
  label: 'keys.pane',
  rank: 110,
  whileTyping: true,
  ...on('inbox', nextPane),
} satisfies Action;
