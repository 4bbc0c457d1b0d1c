/**
 * From what came beside a message's words to what is drawn of it. Pure. Values are a stranger's: they are texts, never
 * markup, and an address is a link only where it is http or https.
 */
import type { Data, Message } from '../thread.ts';

type Value = Data[string];
export type Scalar = string | number | boolean;
export type Row = Readonly<Record<string, Scalar>>;
/** Name and value of one line. */
export type Pair = readonly [name: string, value: Scalar];

export interface Place {
  readonly is: 'place';
  readonly name: string;
  readonly address: string;
  /** Null: no coordinates, or none on earth. */
  readonly at: { readonly latitude: number; readonly longitude: number } | null;
}

export interface OrderLine {
  readonly name: string;
  readonly quantity: string;
  readonly price: string;
}

export interface Order {
  readonly is: 'order';
  readonly about: readonly Pair[];
  readonly lines: readonly OrderLine[];
  /** A sum a currency; none where a price or a quantity isn't told. */
  readonly totals: readonly string[];
}

export interface Card {
  readonly is: 'card';
  readonly what: 'product' | 'card' | 'contact' | 'poll';
  readonly title: string;
  readonly about: readonly Pair[];
  /** Empty: it leads nowhere. */
  readonly href: string;
  readonly options: readonly string[];
}

export interface Form {
  readonly is: 'form';
  readonly answers: readonly Pair[];
}

export interface Links {
  readonly is: 'links';
  readonly links: readonly { readonly text: string; readonly href: string }[];
}

export type Block = Place | Order | Card | Form | Links;

export interface Drawn {
  readonly author: string;
  /** Null: it isn't passed on; empty: from nobody who is named. */
  readonly forwardedFrom: string | null;
  readonly quoted: { readonly text: string; readonly from: string } | null;
  readonly blocks: readonly Block[];
  /** Small grey lines: what was chosen, by what somebody came, and whatever else there is. */
  readonly rows: readonly Pair[];
  readonly isCut: boolean;
  /** Characters of a mail that were hidden as a quotation. */
  readonly hidden: number;
}

/** Told otherwise, or of no use to a reader: pictures of an album stand together, ids of authors have a name beside, hidden quotations are a number, signs and names stand in their text, a player shows how long it plays. */
const UNSAID = new Set([
  'author', 'author_id', 'forwarded', 'forwarded_from', 'quoted', 'quoted_from', 'latitude', 'longitude', 'place', 'address', 'form', 'order', 'items',
  'product', 'card', 'poll', 'contact', 'links', 'album', 'cut', 'hidden', 'quoted_text', 'event', 'emoji', 'emojis', 'mentions', 'album_place', 'duration_ms', 'link_nonce',
]);
/** A key of the platform's among a form's answers, which nobody gave. */
const FORM_KEYS = new Set(['flow_token']);
const TITLES = ['title', 'name', 'formatted_name', 'question'];
const ADDRESSES = ['url', 'website', 'link'];

export const isScalar = (value: unknown): value is Scalar => ['string', 'number', 'boolean'].includes(typeof value);
const isRow = (value: Value | undefined): value is Row => typeof value === 'object' && !Array.isArray(value);
const text = (value: Value | undefined): string => (isScalar(value) && typeof value !== 'boolean' ? String(value) : '');
const rowsOf = (value: Value | undefined): readonly Row[] => (Array.isArray(value) ? value : isRow(value) ? [value] : []);
/** `phones.0.phone` → `phone` */
export const leafOf = (path: string): string => path.split('.').findLast((part) => !/^\d+$/.test(part)) ?? path;

/** The first characters of a text; none is cut in two. */
export const firstOf = (value: string, most: number): string => [...value.slice(0, 2 * most)].slice(0, most).join('');

/** An address that may be opened; empty for any other. */
export function webAddress(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : '';
}

/** What is drawn of a message's data; null: nothing. */
export function drawn(data: Data): Drawn | null {
  const names = Object.keys(data);
  if (names.length === 0) return null;
  const form = rowsOf(data['form']).flatMap((row) => Object.entries(row));
  const answers = form.filter(([name]) => !FORM_KEYS.has(leafOf(name)));
  const blocks: (Block | null)[] = [
    placeOf(data),
    answers.length > 0 ? { is: 'form', answers } : null,
    orderOf(data),
    ...(['product', 'card', 'contact', 'poll'] as const).flatMap((what) => rowsOf(data[what]).map((row) => cardOf(what, row))),
    linksOf(data['links']),
  ];
  const others = names.filter((name) => !UNSAID.has(name));
  const odd = names.filter((name) => UNSAID.has(name) && isMisshapen(name, data[name]));
  const hidden = Number(data['hidden'] ?? 0);
  return {
    author: text(data['author']),
    forwardedFrom: text(data['forwarded_from']) || (data['forwarded'] === true ? '' : null),
    quoted: data['quoted'] || data['quoted_from'] ? { text: text(data['quoted']), from: text(data['quoted_from']) } : null,
    blocks: blocks.filter((block) => block !== null),
    rows: [...others, ...odd].flatMap((name) => pairsOf(name, data[name])),
    isCut: data['cut'] === true,
    hidden: Number.isFinite(hidden) && hidden > 0 ? hidden : 0,
  };
}

const OF_ROWS = new Set(['form', 'order', 'items', 'product', 'card', 'poll', 'contact', 'links', 'emojis', 'mentions']);
/** A name that a channel has filled with another shape than the usual one: shown as it is. */
const isMisshapen = (name: string, value: Value | undefined): boolean => OF_ROWS.has(name) === isScalar(value) && typeof value !== 'boolean';

/** A value as lines; of a row, each of its own. */
function pairsOf(name: string, value: Value | undefined): readonly Pair[] {
  if (isScalar(value)) return [[name, value]];
  return rowsOf(value).flatMap((row) => Object.entries(row).map(([key, one]): Pair => [`${name}.${key}`, one]));
}

function placeOf(data: Data): Place | null {
  const [name, address] = [text(data['place']), text(data['address'])];
  const isGiven = data['latitude'] !== undefined && data['longitude'] !== undefined;
  if (name === '' && address === '' && !isGiven) return null;
  const [latitude, longitude] = [Number(data['latitude']), Number(data['longitude'])];
  const isOnEarth = isGiven && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  return { is: 'place', name, address, at: isOnEarth ? { latitude, longitude } : null };
}

function orderOf(data: Data): Order | null {
  const about = rowsOf(data['order']).flatMap((row) => Object.entries(row));
  const items = rowsOf(data['items']);
  if (about.length === 0 && items.length === 0) return null;
  const lines = items.map((item): OrderLine => ({
    name: text(item['name']) || text(item['title']) || text(item['id']),
    quantity: text(item['quantity']),
    price: [text(item['price']), text(item['currency'])].filter(Boolean).join(' '),
  }));
  return { is: 'order', about, lines, totals: totalsOf(items) };
}

/** Sums by currency, in the order in which they come. */
function totalsOf(items: readonly Row[]): readonly string[] {
  const sums = new Map<string, number>();
  for (const item of items) {
    const [price, quantity] = [Number(item['price'] ?? Number.NaN), Number(item['quantity'] ?? 1)];
    if (!Number.isFinite(price) || !Number.isFinite(quantity)) return [];
    const currency = text(item['currency']);
    sums.set(currency, (sums.get(currency) ?? 0) + price * quantity);
  }
  // Prices have three decimals at most; binary fractions have others.
  return [...sums].map(([currency, sum]) => [String(Math.round(sum * 1000) / 1000), currency].filter(Boolean).join(' '));
}

function cardOf(what: Card['what'], row: Row): Card | null {
  const entries = Object.entries(row);
  if (entries.length === 0) return null;
  const title = entries.find(([name, value]) => TITLES.includes(leafOf(name)) && text(value) !== '');
  const address = entries.find(([name, value]) => ADDRESSES.includes(leafOf(name)) && webAddress(text(value)) !== '');
  const choices = what === 'poll' ? entries.filter(([name]) => /^options\b/.test(name)) : [];
  return {
    is: 'card',
    what,
    title: text(title?.[1]),
    about: entries.filter((entry) => entry !== title && entry !== address && !choices.includes(entry)),
    href: webAddress(text(address?.[1])),
    options: choices.flatMap(([name, value]) => (name === 'options' ? text(value).split(', ') : [text(value)])),
  };
}

function linksOf(value: Value | undefined): Links | null {
  const links = rowsOf(value).map((row) => {
    const [words, address] = [text(row['text']), text(row['url'])];
    const href = webAddress(address);
    // What can't be opened is told whole: words alone would hide where they lead.
    return { text: href !== '' ? words || address : [words, address].filter(Boolean).join(': '), href };
  });
  return links.length > 0 ? { is: 'links', links } : null;
}

/** Channels whose platforms tell places in China's own datum (GCJ-02), some hundred metres off the world's. */
const GCJ = new Set(['wechat', 'wecom', 'douyin']);

/** Where a place is on maps that people use: links alone, nothing is loaded from them. */
export function mapsOf(place: Place, locale: string, channel: string): readonly { readonly map: 'osm' | 'amap' | 'apple'; readonly href: string }[] {
  if (place.at === null) return [];
  const { latitude, longitude } = place.at;
  const name = encodeURIComponent(firstOf(place.name || place.address, 80));
  const osm = { map: 'osm', href: `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}` } as const;
  if (!locale.startsWith('zh')) return [osm, { map: 'apple', href: `https://maps.apple.com/?ll=${latitude},${longitude}&q=${name || `${latitude},${longitude}`}` }];
  const datum = GCJ.has(channel) ? 'gaode' : 'wgs84';
  return [{ map: 'amap', href: `https://uri.amap.com/marker?position=${longitude},${latitude}&name=${name}&coordinate=${datum}` }, osm];
}

const SPLIT = /\s×\s|[:：,，]\s|\s/;

/**
 * The lines of a message's text that its card doesn't say: adapters write what was entered into the text too, for lists, search
 * and answers. Of a message that isn't a card or a place all lines are its own.
 */
export function ownWords(message: Pick<Message, 'kind' | 'text' | 'data'>): string {
  if (message.kind !== 'card' && message.kind !== 'location') return message.text;
  const said = new Set<string>();
  const say = (value: string): void => {
    said.add(value);
    for (const line of value.split('\n')) said.add(line.trim());
    if (value !== '' && Number.isFinite(Number(value))) said.add(String(Number(value)));
  };
  for (const [name, value] of Object.entries(message.data)) {
    for (const row of isScalar(value) ? [{ [name]: value }] : rowsOf(value)) {
      for (const [key, one] of Object.entries(row)) {
        say(String(one));
        said.add(key);
        if (/^options\b/.test(key)) String(one).split(', ').forEach(say);
      }
    }
  }
  const isSaid = (line: string): boolean => {
    const plain = line.replace(/^- /, '').trim();
    if (plain === '' || said.has(plain)) return true;
    const colon = plain.indexOf(': ');
    if (colon > 0 && said.has(plain.slice(0, colon)) && said.has(plain.slice(colon + 2))) return true;
    return plain.split(SPLIT).every((part) => part === '' || said.has(part) || said.has(String(Number(part))));
  };
  const lines = message.text.split('\n');
  return lines.some((line) => !isSaid(line)) ? lines.filter((line) => line.trim() === '' || !isSaid(line)).join('\n').trim() : '';
}
