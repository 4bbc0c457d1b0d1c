/**
 * What outlives a reload: unsent messages, drafts, known events, heads. IndexedDB, named by tenant and person;
 * memory where there is none (private windows, blocked storage). Wiped at sign-out. Nobody's work may stop because
 * a disk is full or the browser took its storage back: a read that fails finds nothing, a write that fails is lost
 * at the next reload.
 */
export const STORES = ['outbox', 'drafts', 'events', 'heads'] as const;
export type StoreName = (typeof STORES)[number];

export interface Cache {
  get<T>(store: StoreName, key: string): Promise<T | undefined>;
  all<T>(store: StoreName): Promise<T[]>;
  put(store: StoreName, key: string, value: unknown): Promise<void>;
  remove(store: StoreName, key: string): Promise<void>;
  /** Deletes everything of this person on this device. */
  wipe(): Promise<void>;
}

/** `spare`: what to use where the browser denies its database. */
export async function openCache(name: string, spare: () => Cache = inMemory): Promise<Cache> {
  try {
    return overDatabase(await openDatabase(`trunkline.${name}`));
  } catch {
    return spare();
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store);
    };
    request.onsuccess = () => {
      // Another tab wipes the database at sign-out: don't hold it.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error ?? new Error('no storage'));
    request.onblocked = () => reject(new Error('storage is blocked'));
  });
}

function overDatabase(database: IDBDatabase): Cache {
  const run = <T>(store: StoreName, mode: IDBTransactionMode, work: (s: IDBObjectStore) => IDBRequest): Promise<T | undefined> =>
    new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(store, mode);
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result as T);
      transaction.onabort = reject;
    }).catch(() => undefined);
  return {
    get: (store, key) => run(store, 'readonly', (s) => s.get(key)),
    all: async <T>(store: StoreName) => (await run<T[]>(store, 'readonly', (s) => s.getAll())) ?? [],
    put: (store, key, value) => run(store, 'readwrite', (s) => s.put(value, key)),
    remove: (store, key) => run(store, 'readwrite', (s) => s.delete(key)),
    wipe: () =>
      new Promise((resolve) => {
        database.close();
        const request = indexedDB.deleteDatabase(database.name);
        request.onsuccess = request.onerror = request.onblocked = () => resolve();
      }),
  };
}

export function inMemory(): Cache {
  const stores = new Map<StoreName, Map<string, unknown>>(STORES.map((name) => [name, new Map()]));
  const of = (name: StoreName): Map<string, unknown> => stores.get(name) ?? new Map();
  return {
    get: async <T>(store: StoreName, key: string) => of(store).get(key) as T | undefined,
    all: async <T>(store: StoreName) => [...of(store).values()] as T[],
    put: async (store, key, value) => void of(store).set(key, value),
    remove: async (store, key) => void of(store).delete(key),
    wipe: async () => stores.forEach((store) => store.clear()),
  };
}
