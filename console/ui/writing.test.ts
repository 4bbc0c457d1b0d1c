import { afterEach, expect, test, vi } from 'vitest';
import { createTyping, isSendKey, sendable } from './writing.ts';

afterEach(() => vi.useRealTimers());

test('typing is told every 3 s at most, and its end once', () => {
  vi.useFakeTimers({ now: 1_000_000 });
  const told: boolean[] = [];
  const typing = createTyping((isTyping) => told.push(isTyping));
  typing.stopped();
  expect(told).toEqual([]);
  typing.wrote('a');
  typing.wrote('ab');
  expect(told).toEqual([true]);
  vi.advanceTimersByTime(3_000);
  typing.wrote('abc');
  expect(told).toEqual([true, true]);
  typing.wrote('');
  typing.stopped();
  expect(told).toEqual([true, true, false]);
});

test('Enter sends, unless it breaks the line or belongs to an IME', () => {
  const key = (more: object): KeyboardEvent => ({ key: 'Enter', shiftKey: false, altKey: false, isComposing: false, keyCode: 13, ...more }) as KeyboardEvent;
  expect(isSendKey(key({}))).toBe(true);
  for (const more of [{ shiftKey: true }, { altKey: true }, { isComposing: true }, { keyCode: 229 }, { key: 'a' }]) {
    expect(isSendKey(key(more))).toBe(false);
  }
});

test('half an emoji is not sent, and a whole one is', () => {
  expect(['a\ud83d ', '\ude00b', '小\ud83d\ude00王', '\ude00\ud83d'].map(sendable)).toEqual(['a\ufffd', '\ufffdb', '小😀王', '\ufffd\ufffd']);
});
