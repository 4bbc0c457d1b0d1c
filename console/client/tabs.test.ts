import { afterEach, expect, test, vi } from 'vitest';
import { openTabs } from './tabs.ts';

afterEach(() => vi.unstubAllGlobals());

/** A browser that offers locks and refuses each (a frame of another site, a private window). */
const refuse = (): Promise<never> => Promise.reject(new DOMException('denied', 'SecurityError'));
const blocked = { locks: { request: refuse, query: refuse } };
class RefusedChannel {
  constructor() {
    throw new DOMException('denied', 'SecurityError');
  }
}
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test.each([
  ['refuses locks', blocked],
  ['has no locks', {}],
])('a browser that %s: the tab is alone, and leads', async (_what, browser) => {
  vi.stubGlobal('navigator', browser);
  vi.stubGlobal('BroadcastChannel', RefusedChannel);
  const tabs = openTabs('alone');
  const led = vi.fn();
  tabs.onLeading(led);
  expect(await tabs.living()).toBeNull();
  await soon();
  expect(led).toHaveBeenCalledTimes(1);
  tabs.onTold(() => undefined);
  tabs.tell('signed out');
  tabs.close();
});

test('a tab that closes before it leads is not called', async () => {
  vi.stubGlobal('navigator', blocked);
  const tabs = openTabs('closed');
  const led = vi.fn();
  tabs.onLeading(led);
  tabs.close();
  await soon();
  expect(led).not.toHaveBeenCalled();
});

test('tabs know each other; the next leads when the first closes', async () => {
  const [first, second] = [openTabs('pair'), openTabs('pair')];
  const led: string[] = [];
  first.onLeading(() => led.push('first'));
  second.onLeading(() => led.push('second'));
  await soon();
  expect(led).toEqual(['first']);
  expect(await second.living()).toEqual(new Set([first.id, second.id]));
  const told = vi.fn();
  second.onTold(told);
  first.tell('signed out');
  await soon();
  expect(told).toHaveBeenCalledWith('signed out');
  first.close();
  await soon();
  expect(led).toEqual(['first', 'second']);
  expect(await second.living()).toEqual(new Set([second.id]));
  second.close();
});
