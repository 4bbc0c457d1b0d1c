/** Something that must work before a page can go on, tried until it does. */

const FIRST_MS = 2_000;
const MOST_MS = 20_000;

/** The pause after so many failures: it doubles up to 20 s, and its last half is random, so that pages spread. */
export const pauseMs = (failures: number, random: number): number =>
  Math.round(Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10)) * (0.5 + random / 2));

export interface Trying {
  /** Tries at once, as when somebody presses a button. */
  now(): void;
  stop(): void;
}

/** Calls `work` until it answers true: now, after pauses, and at once when the browser says that there is a network. */
export function persist(work: () => Promise<boolean>): Trying {
  let failures = 0;
  let isBusy = false;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const attempt = async (): Promise<void> => {
    if (isBusy || isOver) return;
    clearTimeout(timer);
    isBusy = true;
    const isDone = await work().catch(() => false);
    isBusy = false;
    if (isDone) stop();
    if (isOver) return;
    failures += 1;
    timer = setTimeout(now, pauseMs(failures, Math.random()));
  };
  const now = (): void => void attempt();
  const stop = (): void => {
    isOver = true;
    clearTimeout(timer);
    removeEventListener('online', now);
  };
  addEventListener('online', now);
  now();
  return { now, stop };
}
