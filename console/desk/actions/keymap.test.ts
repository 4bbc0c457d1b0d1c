import { expect, test } from 'vitest';
import { meant } from './keymap.ts';

const KEYS = ['j', 'g i', 'g s', '/', 's'];

test('one key, two in a row, and a second that belongs to nothing', () => {
  expect(meant('', 'j', KEYS)).toEqual({ run: 'j', first: '' });
  expect(meant('', 'g', KEYS)).toEqual({ run: '', first: 'g' });
  expect(meant('g', 'i', KEYS)).toEqual({ run: 'g i', first: '' });
  expect(meant('g', 's', KEYS)).toEqual({ run: 'g s', first: '' });
  expect(meant('', 's', KEYS)).toEqual({ run: 's', first: '' });
  expect(meant('g', 'j', KEYS)).toEqual({ run: 'j', first: '' });
  expect(meant('g', 'g', KEYS)).toEqual({ run: '', first: 'g' });
  expect(meant('', 'x', KEYS)).toEqual({ run: '', first: '' });
});
