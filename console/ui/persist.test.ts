import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pauseMs, persist } from './persist.ts';

let page: EventTarget;
beforeEach(() => {
  vi.useFakeTimers();
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('pauses grow to 20 s, and half of each is random', () => {
  expect([1, 2, 3, 4, 5, 99].map((failures) => pauseMs(failures, 1))).toEqual([2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  expect(pauseMs(5, 0)).toBe(10_000);
});

test('it is tried until it works, whether it says no or throws, and then no more', async () => {
  const work = vi.fn<() => Promise<boolean>>().mockResolvedValueOnce(false).mockRejectedValueOnce(new Error('away')).mockResolvedValue(true);
  persist(work);
  await vi.advanceTimersByTimeAsync(0);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(work).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(work).toHaveBeenCalledTimes(3);
  page.dispatchEvent(new Event('online'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(3);
});

test('a button or a network that is back tries at once, and never twice at a time', async () => {
  let answer: (isDone: boolean) => void = () => undefined;
  const work = vi.fn(() => new Promise<boolean>((resolve) => (answer = resolve)));
  const trying = persist(work);
  trying.now();
  expect(work).toHaveBeenCalledTimes(1);
  answer(false);
  await vi.advanceTimersByTimeAsync(0);
  page.dispatchEvent(new Event('online'));
  expect(work).toHaveBeenCalledTimes(2);
  answer(false);
  await vi.advanceTimersByTimeAsync(0);
  trying.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(2);
});
