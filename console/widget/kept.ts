/**
 * Unsent messages where the browser denies a frame of another site its storage (blocked third-party cookies): in that
 * of the page around us, which holds the visitor's token already and so could read and write all of this anyway.
 */
import { inMemory, type Cache, type StoreName } from '../client/cache.ts';
import { BLANK, type Entry } from '../client/outbox.ts';
import type { Kept } from './bridge.ts';
import type { Place } from './place.ts';

/** Characters of JSON; the page has some 5 MB for all of its own. Beyond, what is written lasts as long as this page. */
const KEPT_MAX = 256 * 1024;

type KeptStore = keyof { [S in StoreName as `${S}.${string}` extends keyof Kept ? S : never]: true };
const isKept = (store: StoreName): store is KeptStore => store === 'outbox' || store === 'heads';

/** An unsent message as any version of ours, or the page around us, may have left it; undefined: none. */
export function entryOf(value: unknown): Entry | undefined {
  const one = { ...BLANK, conv: null, at: 0, tab: '', ...(value as Partial<Entry> | null) };
  const isWhole =
    typeof one.id === 'string' && typeof one.text === 'string' && typeof one.tab === 'string' &&
    Array.isArray(one.attachments) && one.attachments.every((file) => typeof file?.file === 'string') &&
    (one.conv === null || typeof one.conv === 'string');
  return isWhole ? (one as Entry) : undefined;
}

/** What `contact` left in `place`; what others left is forgotten: nobody can send it any more. */
export function keptOutside(place: Pick<Place, 'kept' | 'tell'>, contact: string): Cache {
  const memory = inMemory();
  const sizes = new Map<string, number>();
  const keep = (key: keyof Kept, value: unknown): void => place.tell({ t: 'keep', what: { [key]: value } });
  for (const [key, value] of Object.entries(place.kept)) {
    const [store = '', owner, ...rest] = key.split('.');
    if (!isKept(store as StoreName) || owner === undefined) continue;
    const sound = store === 'outbox' ? entryOf(value) : typeof value === 'string' ? value : undefined;
    if (owner !== contact || sound === undefined) {
      keep(key as keyof Kept, undefined);
      continue;
    }
    sizes.set(key, JSON.stringify(value).length);
    void memory.put(store as StoreName, rest.join('.'), sound);
  }
  return {
    ...memory,
    async put(store, id, value) {
      await memory.put(store, id, value);
      if (!isKept(store)) return;
      const key = `${store}.${contact}.${id}` as const;
      const size = JSON.stringify(value).length;
      const others = [...sizes].reduce((sum, [one, length]) => sum + (one === key ? 0 : length), 0);
      if (others + size > KEPT_MAX) return;
      sizes.set(key, size);
      keep(key, value);
    },
    async remove(store, id) {
      await memory.remove(store, id);
      if (isKept(store) && sizes.delete(`${store}.${contact}.${id}`)) keep(`${store}.${contact}.${id}`, undefined);
    },
    async wipe() {
      await memory.wipe();
      for (const key of sizes.keys()) keep(key as keyof Kept, undefined);
      sizes.clear();
    },
  };
}
