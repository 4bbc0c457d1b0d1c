import type { JSX } from 'solid-js';

const ONE = 'm4 6.5 2.5 2.5 5-6';
const CLOCK = 'M8 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M8 3.5V6l1.8 1';
const PATHS = {
  waiting: CLOCK,
  held: CLOCK,
  again: CLOCK,
  stored: ONE,
  accepted: ONE,
  sent: ONE,
  delivered: 'm1.5 6.5 2.5 2.5 5-6M7.5 9l.5.3L13.5 3',
  read: 'm1.5 6.5 2.5 2.5 5-6M7.5 9l.5.3L13.5 3',
  unknown: 'M6 4a2 2 0 1 1 2.7 1.9Q8 6.2 8 7M8 9.5v.1',
  failed: 'M8 2v4.5M8 9.5v.1',
} as const;

/** Clock, one tick, two ticks, two in accent, a question, a mark: how far a message got; `label` says it in words, empty where they stand beside it. */
export function Ticks(props: { readonly state: keyof typeof PATHS; readonly label: string }): JSX.Element {
  return (
    <svg
      class={`ticks ${props.state}`}
      viewBox="0 0 16 12"
      role={props.label ? 'img' : undefined}
      aria-label={props.label || undefined}
      aria-hidden={props.label ? undefined : 'true'}
    >
      <path d={PATHS[props.state]} />
    </svg>
  );
}
