import { expect, test } from 'vitest';
import type { Data } from '../thread.ts';
import { drawn, mapsOf, ownWords, webAddress, type Block } from './model.ts';
import { nameOf } from './texts.ts';

const blocks = (data: Data): readonly Block[] => drawn(data)?.blocks ?? [];
const words = (kind: string, text: string, data: Data): string => ownWords({ kind, text, data });

test('nothing came beside the words: nothing is drawn', () => {
  expect(drawn({})).toBeNull();
});

test('a place has its name, address and coordinates, and links to the maps of the reader', () => {
  const data = { latitude: 23.134521, longitude: 113.358803, place: '广州塔', address: '阅江西路 222 号' };
  const [place] = blocks(data);
  expect(place).toEqual({ is: 'place', name: '广州塔', address: '阅江西路 222 号', at: { latitude: 23.134521, longitude: 113.358803 } });
  if (place?.is !== 'place') throw new Error('no place');
  const hosts = (locale: string, channel: string): string[] => mapsOf(place, locale, channel).map(({ href }) => new URL(href).host);
  expect(hosts('en', 'telegram')).toEqual(['www.openstreetmap.org', 'maps.apple.com']);
  expect(hosts('zh-CN', 'wechat')).toEqual(['uri.amap.com', 'www.openstreetmap.org']);
  const datum = (channel: string): string | null => new URL(mapsOf(place, 'zh-CN', channel)[0]?.href ?? '').searchParams.get('coordinate');
  expect([datum('wechat'), datum('telegram')]).toEqual(['gaode', 'wgs84']);
  expect(words('location', '广州塔\n阅江西路 222 号\n23.134521, 113.358803', data)).toBe('');
});

test('a sticker is one line; what stands in the text or the player anyway is none', () => {
  const unsaid = { emoji: 'hi, wave', emojis: [{ text: '(love)' }], mentions: [{ text: '@Li' }], album_place: '2/3', duration_ms: 60_000, link_nonce: 'n' };
  expect(drawn({ sticker: '446/1988 ANIMATION', ...unsaid })?.rows).toEqual([['sticker', '446/1988 ANIMATION']]);
});

test('coordinates that are none on earth lead to no map', () => {
  for (const latitude of [91, 'x', Number.POSITIVE_INFINITY]) {
    const [place] = blocks({ latitude, longitude: 2 } as Data);
    expect(place).toMatchObject({ is: 'place', at: null });
    if (place?.is === 'place') expect(mapsOf(place, 'en', 'api')).toEqual([]);
  }
});

test('answers of a form stand once: the words of the message that repeat them are left out, others stay', () => {
  const form = { 'Which day?': 'Monday: early', guests: 2, flow_token: 'unused' };
  expect(blocks({ form })).toEqual([{ is: 'form', answers: [['Which day?', 'Monday: early'], ['guests', 2]] }]);
  expect(words('card', 'Sent\nWhich day?: Monday: early\nguests: 2', { form })).toBe('Sent');
  expect(words('text', 'guests: 2', { form })).toBe('guests: 2');
});

test('an order has its lines and a total for each currency; a price that is missing leaves no total', () => {
  const item = (id: string, quantity: number, price: number, currency: string) => ({ id, quantity, price, currency });
  const items = [item('mug', 3, 0.1, 'EUR'), item('tea', 1, 4.5, 'EUR'), item('rug', 1, 90, 'CNY')];
  expect(blocks({ items })).toEqual([
    {
      is: 'order',
      about: [],
      lines: [
        { name: 'mug', quantity: '3', price: '0.1 EUR' },
        { name: 'tea', quantity: '1', price: '4.5 EUR' },
        { name: 'rug', quantity: '1', price: '90 CNY' },
      ],
      totals: ['4.8 EUR', '90 CNY'],
    },
  ]);
  expect(words('card', 'please wrap it\n3 × mug 0.1 EUR\n1 × tea 4.5 EUR\n1 × rug 90 CNY', { items })).toBe('please wrap it');
  expect(blocks({ items: [{ id: 'mug', quantity: 1 }] })).toMatchObject([{ totals: [] }]);
  expect(blocks({ order: { id: '26', state: 'paid' } })).toMatchObject([{ about: [['id', '26'], ['state', 'paid']], lines: [], totals: [] }]);
});

test('cards, products, contacts and polls: a title, an address that can be opened, and the rest as rows', () => {
  expect(blocks({ card: { title: 'A chair', url: 'https://shop.example/a', text: 'oak' } })).toEqual([
    { is: 'card', what: 'card', title: 'A chair', href: 'https://shop.example/a', about: [['text', 'oak']], options: [] },
  ]);
  expect(blocks({ card: { title: 'x', url: 'javascript:alert(1)' } })).toMatchObject([{ href: '', about: [['url', 'javascript:alert(1)']] }]);
  expect(blocks({ contact: [{ 'name.formatted_name': 'Eve', 'phones.0.phone': '+49 1' }, { name: 'Mallory' }] })).toMatchObject([
    { what: 'contact', title: 'Eve', about: [['phones.0.phone', '+49 1']] },
    { what: 'contact', title: 'Mallory' },
  ]);
  const poll = { question: 'When?', options: 'today, tomorrow' };
  expect(blocks({ poll })).toMatchObject([{ what: 'poll', title: 'When?', options: ['today', 'tomorrow'], about: [] }]);
  expect(words('card', 'When?\n- today\n- tomorrow', { poll })).toBe('');
});

test('links are http and https alone; another address is told as it is, beside its words', () => {
  expect(['https://a.example', 'http://a.example/x', 'javascript:alert(1)', 'data:text/html,x', 'tg://user?id=1', 'x'].map(webAddress)).toEqual([
    'https://a.example/', 'http://a.example/x', '', '', '', '',
  ]);
  const links = [{ text: 'here', url: 'https://a.example/b' }, { text: 'me', url: 'javascript:alert(1)' }, { url: 'https://c.example' }];
  expect(blocks({ links })).toEqual([
    { is: 'links', links: [{ text: 'here', href: 'https://a.example/b' }, { text: 'me: javascript:alert(1)', href: '' }, { text: 'https://c.example', href: 'https://c.example/' }] },
  ]);
});

test('authors, forwarded words, quotations, and what was left out', () => {
  expect(drawn({ author: 'Zhao', author_id: '7', forwarded: true, forwarded_from: 'Eve', quoted: 'when?', cut: true, hidden: 120, quoted_text: 'On Monday' })).toEqual({
    author: 'Zhao', forwardedFrom: 'Eve', quoted: { text: 'when?', from: '' }, blocks: [], rows: [], isCut: true, hidden: 120,
  });
  expect([drawn({ forwarded: true })?.forwardedFrom, drawn({ scene: 'x' })?.forwardedFrom]).toEqual(['', null]);
});

test('every other name is a row, and so is one of ours in a shape of its own', () => {
  expect(drawn({ choice: 'b1', scene: 'till-4', loyalty: { points: 12, level: 'gold' } })?.rows).toEqual([
    ['choice', 'b1'], ['scene', 'till-4'], ['loyalty.points', 12], ['loyalty.level', 'gold'],
  ]);
  expect(drawn({ card: 'A chair', author: { name: 'Zhao' } } as Data)?.rows).toEqual([['card', 'A chair'], ['author.name', 'Zhao']]);
});

test('names have words, by what they are and by the end of a path; one without is shown as it is', () => {
  expect([nameOf('scene', 'scene', 'zh-CN'), nameOf('phones.0.phone', 'phone', 'en'), nameOf('loyalty.points', 'points', 'en')]).toEqual(['来源', 'Phone', 'loyalty.points']);
});
