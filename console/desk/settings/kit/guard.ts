/** Guard of unsaved changes: leaving the form by a link, a key or *back* is asked first; closing the page by the browser. */
import { createSignal, onCleanup, type Accessor } from 'solid-js';
import { go, keepRoute } from '../../store/route.ts';

export interface Guard {
  /** Where the person wanted to go; undefined: nowhere. */
  readonly wanted: Accessor<string | undefined>;
  stay(): void;
  leave(): void;
}

export function createGuard(isDirty: Accessor<boolean>): Guard {
  const [wanted, setWanted] = createSignal<string>();
  let isLeaving = false;
  const end = keepRoute((href) => {
    if (isLeaving || !isDirty()) return true;
    setWanted(href);
    return false;
  });
  const ask = (event: BeforeUnloadEvent): void => {
    if (isDirty()) event.preventDefault();
  };
  addEventListener('beforeunload', ask);
  onCleanup(() => {
    end();
    removeEventListener('beforeunload', ask);
  });
  return {
    wanted,
    stay: () => setWanted(undefined),
    leave() {
      const href = wanted();
      isLeaving = true;
      setWanted(undefined);
      if (href !== undefined) go(href);
    },
  };
}
