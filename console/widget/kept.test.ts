import { expect, test } from 'vitest';
import { BLANK, type Entry } from '../client/outbox.ts';
import type { Kept, ToLoader } from './bridge.ts';
import { entryOf, keptOutside } from './kept.ts';

const entry = (id: string, text = id): Entry => ({ ...BLANK, id, conv: null, text, at: 1, tab: 't1' });

/** The page around the frame, as its loader keeps things: through JSON, key by key. */
function page(): { kept: Kept; tell: (message: ToLoader) => void } {
  const self = {
    kept: {} as Kept,
    tell(message: ToLoader) {
      if (message.t === 'keep') self.kept = JSON.parse(JSON.stringify({ ...self.kept, ...message.what })) as Kept;
    },
  };
  return self;
}

test('what is unsent outlives the page, for the same person only', async () => {
  const around = page();
  const first = keptOutside(around, 'c1');
  await first.put('outbox', 'a', entry('a', '你好'));
  await first.put('outbox', 'b', entry('b'));
  await first.put('heads', 'last', 'conversation');
  await first.put('events', 'conversation', { events: ['private'] });
  await first.remove('outbox', 'b');
  const again = keptOutside(around, 'c1');
  expect(await again.all('outbox')).toEqual([entry('a', '你好')]);
  expect(await again.get('heads', 'last')).toBe('conversation');
  expect(JSON.stringify(around.kept)).not.toContain('private');
  expect(await keptOutside(around, 'c2').all('outbox')).toEqual([]);
  expect(around.kept).toEqual({});
});

test('two tabs of one page keep what each of them wrote', async () => {
  const around = page();
  const [one, two] = [keptOutside(around, 'c1'), keptOutside(around, 'c1')];
  await one.put('outbox', 'a', entry('a'));
  await two.put('outbox', 'b', entry('b'));
  await one.remove('outbox', 'a');
  expect(await keptOutside(around, 'c1').all('outbox')).toEqual([entry('b')]);
});

test('the page is not filled: beyond 256 Ki characters it lasts as long as this page, and what leaves makes room', async () => {
  const around = page();
  const mine = keptOutside(around, 'c1');
  for (let n = 0; n < 40; n += 1) await mine.put('outbox', `m${n}`, entry(`m${n}`, 'x'.repeat(16_000)));
  expect(JSON.stringify(around.kept).length).toBeLessThan(260 * 1024);
  expect(await mine.all('outbox')).toHaveLength(40);
  const kept = Object.keys(around.kept).length;
  await mine.remove('outbox', 'm0');
  await mine.put('outbox', 'later', entry('later', 'x'.repeat(15_000)));
  expect(Object.keys(around.kept)).toHaveLength(kept);
  await mine.wipe();
  expect(around.kept).toEqual({});
});

test.each([null, 7, 'text', {}, { id: 'a' }, { id: 'a', text: 7 }, { id: 'a', text: 'x', attachments: null }, { id: 'a', text: 'x', attachments: [null] }, { id: 'a', text: 'x', conv: 7 }])(
  'what is no message (%j) holds no other one up',
  async (value) => {
    expect(entryOf(value)).toBeUndefined();
    const around = page();
    await keptOutside(around, 'c1').put('outbox', 'a', entry('a'));
    around.tell({ t: 'keep', what: { 'outbox.c1.bad': value } });
    expect(await keptOutside(around, 'c1').all('outbox')).toEqual([entry('a')]);
    expect(Object.keys(around.kept)).toEqual(['outbox.c1.a']);
  },
);
