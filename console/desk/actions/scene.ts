/** The mounted parts, by name. A page is mounted before the one that it replaces is gone, so the newest of a name counts. */
import { onCleanup } from 'solid-js';
import type { Parts } from './action.ts';

export const mounted: Partial<{ -readonly [Name in keyof Parts]: Parts[Name] }> = {};

/** Offers a part to actions as long as the calling component is mounted. */
export function offer<Name extends keyof Parts>(name: Name, part: Parts[Name]): void {
  mounted[name] = part;
  onCleanup(() => {
    if (mounted[name] === part) delete mounted[name];
  });
}
