import 'fake-indexeddb/auto';
import { expect, test, vi } from 'vitest';
import { inMemory, openCache, type Cache } from './cache.ts';

async function behaves(cache: Cache): Promise<void> {
  await cache.put('outbox', 'a', { id: 'a', text: '你好' });
  await cache.put('outbox', 'b', { id: 'b' });
  expect(await cache.get('outbox', 'a')).toEqual({ id: 'a', text: '你好' });
  expect(await cache.get('drafts', 'a')).toBeUndefined();
  expect(await cache.all('outbox')).toHaveLength(2);
  await cache.remove('outbox', 'a');
  expect(await cache.all('outbox')).toEqual([{ id: 'b' }]);
}

test('storage keeps, lists and removes', async () => behaves(await openCache('main.one')));
test('memory does the same', async () => behaves(inMemory()));

test('what was written outlives a reload, for the same person only', async () => {
  await (await openCache('main.two')).put('outbox', 'x', { id: 'x' });
  expect(await (await openCache('main.two')).all('outbox')).toEqual([{ id: 'x' }]);
  expect(await (await openCache('main.three')).all('outbox')).toEqual([]);
});

test('wiping leaves nothing, even with another tab open', async () => {
  const [mine, other] = [await openCache('main.four'), await openCache('main.four')];
  await other.put('events', 'c', { conv: 'c' });
  await mine.wipe();
  expect(await (await openCache('main.four')).all('events')).toEqual([]);
});

test('storage that is taken away, or never was, reads as empty and stops nobody', async () => {
  const [mine, other] = [await openCache('main.five'), await openCache('main.five')];
  await mine.wipe(); // closes the other's database too
  await other.put('outbox', 'a', { id: 'a' });
  expect(await other.get('outbox', 'a')).toBeUndefined();
  expect(await other.all('outbox')).toEqual([]);
  await other.remove('outbox', 'a');
});

test('a browser that refuses its database gets memory', async () => {
  const refuse = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('denied', 'SecurityError');
  });
  await behaves(await openCache('main.six'));
  refuse.mockRestore();
  expect(await (await openCache('main.six')).all('outbox')).toEqual([]);
});
