/** Fetch on mount with error and retry. No Suspense: the page draws its own skeleton. */
import { createSignal, onCleanup, type Accessor } from 'solid-js';
import { explain } from '../words/errors.ts';
import { delayed } from './delayed.ts';

export interface Asked<T> {
  readonly value: Accessor<T | undefined>;
  readonly set: (value: T) => void;
  /** Error in the reader's locale; empty: none. */
  readonly problem: Accessor<string>;
  /** True after 150 ms without an answer. */
  readonly isSlow: Accessor<boolean>;
  readonly again: () => void;
}

/** `say`: a refusal in a sentence. */
export function createAsked<T>(ask: () => Promise<T>, say: (error: unknown) => string = explain): Asked<T> {
  const [value, setValue] = createSignal<T>();
  const [problem, setProblem] = createSignal('');
  let isGone = false;
  onCleanup(() => (isGone = true));
  const again = async (): Promise<void> => {
    setProblem('');
    try {
      const came = await ask();
      if (!isGone) setValue(() => came);
    } catch (error) {
      if (!isGone) setProblem(say(error));
    }
  };
  void again();
  return {
    value,
    set: (next) => setValue(() => next),
    problem,
    isSlow: delayed(() => value() === undefined && problem() === ''),
    again: () => void again(),
  };
}
