import { createSignal, type Accessor } from 'solid-js';
import { explain } from '../words/errors.ts';

export interface Sending {
  /** What went wrong, in words; empty if nothing did. */
  readonly problem: Accessor<string>;
  readonly isBusy: Accessor<boolean>;
  readonly submit: (event: SubmitEvent) => Promise<void>;
}

/** Sends a form once at a time. Once it succeeded it stays busy: the page is left. */
export function createSending(send: () => Promise<void>): Sending {
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await send();
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return { problem, isBusy, submit };
}
