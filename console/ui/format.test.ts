import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contrast, parseHex, readableAccent } from './style/contrast.ts';
import { age, box, count, day, initial, pieces, size, stopwatch } from './format.ts';

test('only http, https, mailto and tel become links, and nothing is lost', () => {
  expect(pieces('see https://a.example/x?y=1.')).toEqual([
    { text: 'see ' },
    { text: 'https://a.example/x?y=1', href: 'https://a.example/x?y=1' },
    { text: '.' },
  ]);
  expect(pieces('看 https://a.example/订单，谢谢')[1]?.href).toBe('https://a.example/订单');
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'java\nscript:x']) {
    expect(pieces(bad).every((piece) => piece.href === undefined)).toBe(true);
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const cut = pieces(text);
      expect(cut.map((piece) => piece.text).join('')).toBe(text);
      for (const { href } of cut) if (href !== undefined) expect(href).toMatch(/^(https?:\/\/|mailto:|tel:)/i);
    }),
  );
});

test('sizes, counts, times, initials', () => {
  expect([size(840), size(48_211), size(3_400_000)]).toEqual(['840 B', '48 KB', '3.4 MB']);
  expect([count(999), count(1000)]).toEqual(['999', '999+']);
  expect([stopwatch(48), stopwatch(250), stopwatch(3723)]).toEqual(['0:48', '4:10', '1:02:03']);
  expect([initial('林晓雨'), initial(' mei'), initial('')]).toEqual(['林', 'M', '?']);
  expect(age(0, 59_000)).toEqual({ unit: 'now', n: 0 });
  expect(age(0, 120_000)).toEqual({ unit: 'minutes', n: 2 });
});

test('days are named as people name them', () => {
  const now = new Date(2026, 10, 24, 14, 31).getTime();
  const before = (days: number): number => now - days * 86_400_000;
  expect(day(now, now, 'en')).toBe('Today, Tuesday 24 November');
  expect(day(now, now, 'zh-CN')).toBe('今天 11月24日星期二');
  expect(day(before(1), now, 'en')).toBe('Yesterday, Monday 23 November');
  expect(day(before(2), now, 'en')).toBe('Sunday 22 November');
  expect(day(before(400), now, 'zh-CN')).toContain('2025年');
});

test('a picture keeps its shape inside its box', () => {
  expect(box(800, 520, 260, 260)).toEqual({ width: 260, height: 169 });
  expect(box(100, 50, 260, 260)).toEqual({ width: 100, height: 50 });
  expect(box(0, 0, 240, 240)).toEqual({ width: 240, height: 160 });
});

test('any accent becomes readable on both grounds', () => {
  const hex = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rgb) => `#${rgb.map((part) => part.toString(16).padStart(2, '0')).join('')}`);
  fc.assert(
    fc.property(hex, fc.constantFrom('#FFFFFF', '#161C1A'), (accent, surface) => {
      const readable = readableAccent(accent, surface);
      expect(readable).not.toBeNull();
      const rgb = parseHex(readable!.accent)!;
      expect(contrast(rgb, parseHex(surface)!)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb, parseHex(readable!.onAccent)!)).toBeGreaterThanOrEqual(4.5);
    }),
  );
  expect(readableAccent('teal', '#FFFFFF')).toBeNull();
  expect(readableAccent('#0A6B62', '#FFFFFF')?.accent).toBe('#0a6b62');
});
