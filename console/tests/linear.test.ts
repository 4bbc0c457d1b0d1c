/// <reference types="vite/client" />
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { every, parse, read, type Tree } from './graph.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['client', 'ui', 'desk', 'widget'];

/** What is repeated until a text is long enough. */
const RUNS = [
  ' ', '\n', '\r\n', '\t', '>', '<', '&', '1', '1.', 'a', 'a ', '.', ',', ':', ';', '!', ')', ']', '(', ' (', '()', ' (1', '[', '[[', '{', '{{', '{{ ',
  '{a', '}', '"', "'", '\\', '/', '//', '%', '%4', '#', '=', '-', '_', '*', '`', '~', '|', '$', '@', 'a@b.c', 'http://', 'http://a', 'http://a)', 'https://.',
  'mailto:', 'tel:', 'title.', '\0', '。', '）', '写', '\u{1F468}\u200d',
];
const ENDS = ['', 'x', '\u0001', ')'];

const FLOOR_MS = 8;
const MOST = 32 * 1024;

/** Of this thread; older releases of Node.js tell that of the process alone. */
const cpuUsage = (since?: NodeJS.CpuUsage): NodeJS.CpuUsage =>
  'threadCpuUsage' in process ? process.threadCpuUsage(since) : (process as NodeJS.Process).cpuUsage(since);

/** CPU milliseconds for one call, the best of `tries`. */
function spent(act: (text: string) => unknown, text: string, tries: number): number {
  let best = Infinity;
  for (let n = 0; n < tries; n += 1) {
    const begin = cpuUsage();
    act(text);
    const { user, system } = cpuUsage(begin);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

/** At which doubling the time more than trebled, empty if at none: a linear one doubles it, a quadratic one quadruples it. */
function superlinear(act: (text: string) => unknown, run: string, end: string): string {
  const made = (size: number): string => run.repeat(Math.max(1, Math.floor(size / run.length))) + end;
  const isBad = (before: number, after: number): boolean => after > FLOOR_MS && after > 3 * Math.max(before, FLOOR_MS / 8);
  let before = spent(act, made(512), 1);
  for (let size = 1024; size <= MOST; size *= 2) {
    let after = spent(act, made(size), 1);
    if (isBad(before, after)) {
      before = spent(act, made(size / 2), 5);
      after = spent(act, made(size), 5);
      if (isBad(before, after)) return `${size / 2} characters ${before} ms, ${size} characters ${after} ms`;
    }
    before = after;
  }
  return '';
}

function sources(): Record<string, Tree> {
  const texts = Object.entries(read(ROOT, FOLDERS)).filter(([path]) => /\.tsx?$/.test(path) && !/\.(test|d)\.ts$/.test(path));
  return Object.fromEntries(texts.map(([path, text]) => [path, parse(path, text)]));
}

const trees = sources();

/** Patterns as they stand in the sources; each is searched for, since `test`, `replace` and `split` do that. */
function patterns(): [string, RegExp][] {
  return Object.entries(trees).flatMap(([path, tree]) =>
    [...every(tree)].flatMap((node): [string, RegExp][] => {
      const regex = node['regex'] as { pattern: string; flags: string } | undefined;
      if (node.type !== 'Literal' || regex === undefined) return [];
      return [[`${path} /${regex.pattern}/${regex.flags}`, new RegExp(regex.pattern, `${regex.flags.replace(/[gy]/g, '')}g`)]];
    }),
  );
}

/** Names of exported functions of texts alone, which need neither a page nor anything else. */
function functions(path: string): string[] {
  const body = (trees[path]?.['body'] ?? []) as readonly Tree[];
  const named: [string, Tree][] = body
    .filter((node) => node.type === 'ExportNamedDeclaration')
    .flatMap((node): [string, Tree][] => {
      const declared = node['declaration'] as Tree | null;
      if (declared?.type === 'FunctionDeclaration') return [[(declared['id'] as { name: string }).name, declared]];
      const inner = (declared?.['declarations'] ?? []) as { id: { name: string }; init: Tree | null }[];
      return inner.flatMap(({ id, init }): [string, Tree][] => (init?.type === 'ArrowFunctionExpression' ? [[id.name, init]] : []));
    });
  const isText = (each: unknown): boolean => JSON.stringify(each).includes('"TSStringKeyword"') && !JSON.stringify(each).includes('TSFunctionType');
  return named
    .filter(([, { params }]) => (params as unknown[]).length > 0 && (params as unknown[]).every(isText))
    .filter(([, { returnType }]) => !/TSVoidKeyword|Promise/.test(JSON.stringify(returnType ?? '')))
    .map(([name]) => name);
}

test('a hostile text takes no pattern of the console more than a time that grows with it', { timeout: 120_000 }, () => {
  const found = patterns();
  expect(found.length).toBeGreaterThan(15);
  const bad = found.flatMap(([name, pattern]) => {
    const act = (text: string): number => [...text.matchAll(pattern)].length;
    const told = RUNS.flatMap((run) => ENDS.map((end) => superlinear(act, run, end))).find((each) => each !== '');
    return told === undefined ? [] : [`${name}: ${told}`];
  });
  expect(bad).toEqual([]);
});

test('a hostile text takes no function of the console more than a time that grows with it', { timeout: 120_000 }, async () => {
  const modules = import.meta.glob<Record<string, (...texts: string[]) => unknown>>(['../{client,ui,desk,widget}/**/*.ts', '!**/*.test.ts', '!**/*.d.ts', '!**/main.ts']);
  const bad: string[] = [];
  const tried: string[] = [];
  for (const [path, load] of Object.entries(modules)) {
    const names = functions(path.slice(3));
    if (names.length === 0) continue;
    // One that needs a page as it is loaded has none of the functions that are meant here.
    const module = await load().catch(() => ({}) as Record<string, never>);
    for (const name of names) {
      const act = module[name];
      if (act === undefined) continue;
      tried.push(name);
      const given = (text: string): unknown => {
        try {
          return act(...Array.from({ length: Math.max(1, act.length) }, () => text));
        } catch {
          return undefined;
        }
      };
      const told = RUNS.flatMap((run) => ENDS.map((end) => superlinear(given, run, end))).find((each) => each !== '');
      if (told !== undefined) bad.push(`${path} ${name}: ${told}`);
    }
  }
  expect(bad).toEqual([]);
  expect(tried).toEqual(expect.arrayContaining(['pieces', 'cutAround', 'initial']));
});

test('a pattern and a function that grow with the square are seen', () => {
  const cut = (text: string): string => text.replace(/[.,;:!?)\]]+$/, '');
  expect(superlinear(cut, ')', 'x')).not.toBe('');
});
