import { expect, test } from 'vitest';
import { cutAround } from './excerpt.ts';

test('an excerpt shows the words that were looked for, in any letter case and language', () => {
  expect(cutAround('Wrong Duvet size', 'duvet')).toEqual([
    { text: 'Wrong ', isHit: false },
    { text: 'Duvet', isHit: true },
    { text: ' size', isHit: false },
  ]);
  expect(cutAround('羽绒被尺寸发错了', '尺寸')[1]).toEqual({ text: '尺寸', isHit: true });
  const long = cutAround(`${'x'.repeat(500)} needle`, 'needle');
  expect(long.map((part) => part.text).join('').length).toBeLessThan(210);
  expect(long.some((part) => part.isHit)).toBe(true);
  expect(cutAround('nothing', '')).toEqual([{ text: 'nothing', isHit: false }]);
});
