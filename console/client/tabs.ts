/**
 * Several tabs of one person. Each has its own connection; they share the cache, so they agree on two things:
 * whose unsent messages are whose (a tab adopts those of tabs that are gone), and that signing out is for all.
 */
import { uuid7 } from './ids.ts';

export interface Tabs {
  readonly id: string;
  /** Ids of the tabs that live, this one among them; null if the browser can't say (then adopt all). */
  living(): Promise<ReadonlySet<string> | null>;
  /** Calls back whenever this tab becomes the oldest: it adopts what closed tabs left. */
  onLeading(then: () => void): void;
  tell(message: string): void;
  onTold(then: (message: string) => void): void;
  close(): void;
}

export function openTabs(name: string): Tabs {
  const id = uuid7();
  const prefix = `trunkline.${name}.tab.`;
  const released = new AbortController();
  const locks = 'locks' in navigator ? navigator.locks : null;
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(`trunkline.${name}`) : null;
  const hold = (lock: string, then?: () => void): void => {
    locks
      ?.request(lock, { signal: released.signal }, () => {
        then?.();
        return new Promise<void>((resolve) => released.signal.addEventListener('abort', () => resolve()));
      })
      .catch(() => undefined); // aborted while waiting: this tab closes
  };
  hold(prefix + id);
  return {
    id,
    async living() {
      if (locks === null) return null;
      const held = (await locks.query()).held ?? [];
      const names = held.flatMap((lock) => (lock.name?.startsWith(prefix) ? [lock.name.slice(prefix.length)] : []));
      return new Set([...names, id]);
    },
    onLeading: (then) => (locks === null ? then() : hold(`trunkline.${name}.leader`, then)),
    tell: (message) => channel?.postMessage(message),
    onTold(then) {
      if (channel !== null) channel.onmessage = (event) => then(String(event.data));
    },
    close() {
      released.abort();
      channel?.close();
    },
  };
}
