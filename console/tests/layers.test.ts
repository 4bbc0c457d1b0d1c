import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { circles, graphOf, homeless, read, upward, type Graph, type Layers } from './graph.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const texts = read(ROOT, ['api', 'client', 'ui', 'desk', 'widget', 'demo']);
const graph = graphOf(texts);

/** Both apps stand on `ui`, that on the protocol client, that on the generated types. */
const APPS: Layers = [['desk', 'widget', 'demo'], ['ui'], ['client'], ['api']];
/** The rooms of the desk; pages that don't know each other stand in one line. */
const ROOMS: Layers = [
  ['desk/main.tsx'],
  ['desk/App.tsx'],
  ['desk/shell'],
  ['desk/inbox', 'desk/settings', 'desk/reports', 'desk/search', 'desk/entrance'],
  ['desk/common'],
  ['desk/actions'],
  ['desk/store'],
  ['desk/channels'],
  ['desk/words'],
  ['desk/locale'],
];

/** The sources with one file more or otherwise: a violation on purpose. */
const planted = (path: string, text: string): Graph => ({ ...graph, ...graphOf({ [path]: text }, Object.keys(texts)) });

test('client before ui before desk and widget, which do not know each other; the generated types import each other at most', () => {
  expect(Object.keys(graph).length).toBeGreaterThan(100);
  expect(Object.values(graph).flat().filter((target) => !(target in texts)).filter((target) => !target.startsWith('..'))).toEqual([]);
  expect(homeless(graph, APPS)).toEqual([]);
  expect(upward(graph, APPS)).toEqual([]);
  expect(Object.entries(graph).filter(([path, imports]) => path.startsWith('api/') && imports.some((one) => !one.startsWith('api/')))).toEqual([]);
});

test('a room of the desk knows those below it alone, and no page another', () => {
  const desk = Object.fromEntries(Object.entries(graph).filter(([path]) => path.startsWith('desk/')));
  expect(homeless(desk, ROOMS)).toEqual([]);
  expect(upward(desk, ROOMS)).toEqual([]);
});

test('no file imports itself by way of others, types included', () => {
  expect(circles(graph)).toEqual([]);
});

test.each([
  ['client/new.ts', "import { initial } from '../ui/format.ts';", 'client must not know ui'],
  ['client/new.ts', "export type { Upload } from '../ui/uploads.ts';", 'client must not know ui'],
  ['ui/new.ts', "type Desk = import('../desk/store/desk.ts').Desk;", 'ui must not know desk'],
  ['widget/new.tsx', "const Page = lazy(() => import('../desk/search/Search.tsx'));", 'widget must not know desk'],
  ['desk/new.ts', "import type { Visitor } from '../widget/visitor.ts';", 'desk must not know widget'],
  ['api/new.ts', "export * from '../client/ids.ts';", 'api must not know client'],
  ['client/new.ts', "const all = import.meta.glob('../ui/*.ts', { eager: true });", 'client must not know ui'],
])('an import that goes up is seen: %s with %s', (path, text, told) => {
  const found = upward(planted(path, text), APPS);
  expect(found.length).toBeGreaterThan(0);
  for (const sentence of found) expect(sentence).toContain(told);
});

test('a page that imports another, and a store that imports a page, are seen', () => {
  expect(upward(planted('desk/reports/new.ts', "import '../search/excerpt.ts';"), ROOMS)).toEqual([
    'desk/reports/new.ts imports desk/search/excerpt.ts: desk/reports must not know desk/search',
  ]);
  expect(upward(planted('desk/store/new.ts', "import type * as x from '../inbox/said.ts';"), ROOMS)).toHaveLength(1);
  expect(homeless(planted('desk/attic/new.ts', ''), ROOMS)).toContain('desk/attic/new.ts');
});

test('a circle is seen, also one of types alone and one through a third file', () => {
  const two = { 'ui/a.ts': "import type { B } from './b.ts';", 'ui/b.ts': "export type { A } from './a.ts';" };
  expect(circles(graphOf(two))).toEqual(['ui/a.ts > ui/b.ts > ui/a.ts']);
  const three = { 'ui/a.ts': "import './b.ts';", 'ui/b.ts': "import './c.ts';", 'ui/c.ts': "const a = () => import('./a.ts');" };
  expect(circles(graphOf(three))).toEqual(['ui/a.ts > ui/b.ts > ui/c.ts > ui/a.ts']);
  expect(circles(graphOf({ ...three, 'ui/c.ts': '' }))).toEqual([]);
});

/** Generated files and texts in two languages have the length that they need. */
const isMeasured = (path: string): boolean => /\.(tsx?|css|js)$/.test(path) && !path.startsWith('api/');
const LINES_MAX = 450;
const FILES_MAX = 20;

test('no file is longer than 450 lines, and no room has more than 20 files without rooms of its own', () => {
  const long = Object.entries(texts).filter(([path, text]) => isMeasured(path) && text.split('\n').length > LINES_MAX);
  expect(long.map(([path]) => path)).toEqual([]);
  const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
  const folders = [...new Set(Object.keys(texts).map(folderOf))];
  const full = folders.filter((folder) => Object.keys(texts).filter((path) => folderOf(path) === folder).length > FILES_MAX);
  expect(full.filter((folder) => !folders.some((other) => other.startsWith(`${folder}/`)))).toEqual([]);
});
