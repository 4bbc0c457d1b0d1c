/** The mounted targets, by name. A page is mounted before the one that it replaces is gone, so the newest of a name counts. */
import { onCleanup } from 'solid-js';
import type { Targets } from './action.ts';

export const mounted: Partial<{ -readonly [Name in keyof Targets]: Targets[Name] }> = {};

/** Offers a target to actions as long as the calling component is mounted. */
export function offer<Name extends keyof Targets>(name: Name, target: Targets[Name]): void {
  mounted[name] = target;
  onCleanup(() => {
    if (mounted[name] === target) delete mounted[name];
  });
}
