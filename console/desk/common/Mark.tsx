import type { JSX } from 'solid-js';

/** Logo: lines that run into one. */
export function Mark(): JSX.Element {
  return (
    <svg
      width="24"
      height="24"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="square"
      role="img"
      aria-label="Trunkline"
    >
      <path d="M3 12h18" />
      <path d="M3 5h4l5 7M3 19h4l5-7" />
    </svg>
  );
}
