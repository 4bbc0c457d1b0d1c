/**
 * Several tabs of one person. Each has its own connection; they share the cache, so they agree on two things:
 * whose unsent messages are whose (a tab adopts those of tabs that are gone), and that signing out is for all.
 * Where storage is blocked (a private window, a frame of another site) the browser offers locks and channels and
 * then refuses them: such a tab is alone.
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
  const { locks } = navigator as { locks?: LockManager };
  const channel = openChannel(`trunkline.${name}`);
  /** Holds a lock until this tab closes. Calls back when it has it, or at once where locks are refused. */
  const hold = (lock: string, then: () => void): void => {
    const request = locks?.request(lock, { signal: released.signal }, () => {
      then();
      return new Promise<void>((resolve) => released.signal.addEventListener('abort', () => resolve()));
    });
    (request ?? Promise.reject()).catch(() => released.signal.aborted || then());
  };
  hold(prefix + id, () => undefined);
  return {
    id,
    async living() {
      const state = await locks?.query().catch(() => null);
      if (!state) return null;
      const names = (state.held ?? []).map((lock) => lock.name ?? '').filter((lock) => lock.startsWith(prefix));
      return new Set([...names.map((lock) => lock.slice(prefix.length)), id]);
    },
    onLeading: (then) => hold(`trunkline.${name}.leader`, then),
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

function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null; // no such thing here, or storage is blocked
  }
}
