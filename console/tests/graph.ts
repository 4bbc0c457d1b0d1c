/** The import graph of the console, and what breaks the order of its layers. Pure but for `read`. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseAst } from 'vite';

/** Path of a file, as `desk/App.tsx`, to the paths that it imports. Packages of npm are left out. */
export type Graph = Readonly<Record<string, readonly string[]>>;

export interface Tree {
  readonly type?: string;
  readonly [key: string]: unknown;
}

export function* every(tree: unknown): Generator<Tree> {
  if (typeof tree !== 'object' || tree === null) return;
  if (Array.isArray(tree)) {
    for (const each of tree) yield* every(each);
    return;
  }
  yield tree as Tree;
  for (const value of Object.values(tree)) yield* every(value);
}

export const parse = (path: string, text: string): Tree =>
  parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Tree;

/** Every file of these folders by its path, with its text. */
export function read(root: string, folders: readonly string[]): Record<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => posix.join(entry.parentPath.slice(root.length), entry.name)),
  );
  return Object.fromEntries(paths.map((path) => [path, readFileSync(root + path, 'utf8')]));
}

const IMPORTS = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression', 'TSImportType']);
const text = (node: unknown): string => {
  const literal = [...every(node)].find((one) => one.type === 'Literal' && typeof one['value'] === 'string');
  return (literal?.['value'] as string | undefined) ?? '';
};

/** A glob of `import.meta.glob` as a pattern of paths; a star stands for one folder or name. */
const globbed = (glob: string): RegExp => new RegExp(`^${glob.replace(/[.+^$()|[\]{}\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`);

/** What one file imports: `import` and `export ... from`, types too, `import()`, `import('...')` as a type, `import.meta.glob`. */
function importsOf(path: string, source: string, all: readonly string[]): string[] {
  const at = (specifier: string): string => posix.join(posix.dirname(path), specifier);
  return [...every(parse(path, source))].flatMap((node): string[] => {
    if (IMPORTS.has(node.type ?? '')) {
      const specifier = text(node['source'] ?? node['argument']);
      return specifier.startsWith('.') ? [at(specifier)] : [];
    }
    const callee = node['callee'] as Tree | undefined;
    const isGlob = node.type === 'CallExpression' && callee?.type === 'MemberExpression' && (callee['property'] as { name?: string }).name === 'glob';
    if (!isGlob) return [];
    const pattern = globbed(at(text((node['arguments'] as Tree[])[0])));
    return all.filter((one) => one !== path && pattern.test(one) && !one.includes('.test.'));
  });
}

/** Graph of the sources of these texts, out of `all` paths; tests aren't part of it, they may import what they try. */
export function graphOf(texts: Readonly<Record<string, string>>, all = Object.keys(texts)): Graph {
  const sources = Object.keys(texts).filter((path) => /\.tsx?$/.test(path) && !/\.(test|d)\.ts$/.test(path));
  return Object.fromEntries(sources.map((path) => [path, importsOf(path, texts[path] ?? '', all)]));
}

/** Layers from the top down; those of one line don't know each other. A layer imports itself and what lies below it. */
export type Layers = readonly (readonly string[])[];

const layerOf = (path: string, layers: Layers): readonly [depth: number, name: string] | undefined => {
  const found = layers.flatMap((names, depth) => names.filter((name) => path === name || path.startsWith(`${name}/`)).map((name) => [depth, name] as const));
  return found[0];
};

/** A sentence for each import that goes up or across. */
export function upward(graph: Graph, layers: Layers): string[] {
  return Object.entries(graph).flatMap(([path, imports]) => {
    const here = layerOf(path, layers);
    return imports.flatMap((target) => {
      const there = layerOf(target, layers);
      if (here === undefined || there === undefined || here[1] === there[1] || there[0] > here[0]) return [];
      return [`${path} imports ${target}: ${here[1]} must not know ${there[1]}`];
    });
  });
}

/** Files in no layer: a new folder has to be given a place. */
export const homeless = (graph: Graph, layers: Layers): string[] => Object.keys(graph).filter((path) => layerOf(path, layers) === undefined);

/** Import circles, each as `a > b > a`, found by depth-first search; one is told for each edge that closes one. */
export function circles(graph: Graph): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path].join(' > '));
    if (at >= 0 || done.has(path)) return;
    for (const target of graph[path] ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of Object.keys(graph)) visit(path, []);
  return found;
}
