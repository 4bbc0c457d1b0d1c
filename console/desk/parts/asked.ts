/** Something asked of the node once a page opens. Nothing is suspended meanwhile: the page draws its own waiting. */
import { createSignal, onCleanup, type Accessor } from 'solid-js';
import { explain } from '../words/errors.ts';
import { delayed } from './delayed.ts';

export interface Asked<T> {
  readonly value: Accessor<T | undefined>;
  readonly set: (value: T) => void;
  /** Why nothing came, in the reader's words. */
  readonly problem: Accessor<string>;
  /** True once it takes so long that waiting is to be shown. */
  readonly isSlow: Accessor<boolean>;
  readonly again: () => void;
}

export function createAsked<T>(ask: () => Promise<T>): Asked<T> {
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
      if (!isGone) setProblem(explain(error));
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
