/**
 * The size budgets of the console, in KB (1,024 bytes) of gzip -9. Run by itself with a dist folder it prints them.
 * What a page needs for its first paint is what its HTML names, with the static imports of its scripts.
 */
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

interface Budget {
  readonly name: string;
  readonly kb: number;
  readonly limitKb: number;
}

const size = (bytes: string | Uint8Array): number => gzipSync(bytes, { level: 9 }).length / 1024;

/** All assets of one kind that a page loads before its first paint. */
async function initial(dist: string, page: string, kind: 'js' | 'css'): Promise<Set<string>> {
  const html = await readFile(join(dist, page, 'index.html'), 'utf8');
  const wanted = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
  const found = new Set<string>();
  while (wanted.length > 0) {
    const name = wanted.pop() ?? '';
    if (found.has(name) || !name.endsWith(`.${kind}`)) continue;
    found.add(name);
    if (kind === 'css') continue;
    const code = await readFile(join(dist, name), 'utf8');
    for (const match of code.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) {
      wanted.push(`assets/${match[1] ?? ''}`);
    }
  }
  return found;
}

async function total(dist: string, names: Iterable<string>): Promise<number> {
  let kb = 0;
  for (const name of names) kb += size(await readFile(join(dist, name)));
  return kb;
}

/** The protocol client alone, bundled and minified as it ships. */
async function clientKb(): Promise<number> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const result = await build({
    configFile: false,
    root,
    logLevel: 'silent',
    publicDir: false,
    build: {
      write: false,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rolldownOptions: { input: join(root, 'client/index.ts'), preserveEntrySignatures: 'strict' },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  let code = '';
  for (const output of outputs) {
    if ('output' in output) for (const chunk of output.output) if (chunk.type === 'chunk') code += chunk.code;
  }
  if (code === '') throw new Error('the client bundle is empty');
  return size(code);
}

/** Every budget with today's size. */
export async function measure(dist: string): Promise<Budget[]> {
  const deskJs = await initial(dist, 'desk', 'js');
  const widgetJs = await initial(dist, 'widget', 'js');
  const first = new Set([...deskJs, ...widgetJs, ...(await initial(dist, 'demo', 'js'))]);
  const lazy = (await readdir(join(dist, 'assets')))
    .filter((name) => name.endsWith('.js') && !first.has(`assets/${name}`));
  const budgets: Budget[] = [
    { name: 'loader w.js', kb: size(await readFile(join(dist, 'w.js'))), limitKb: 2 },
    { name: 'widget first paint, JS', kb: await total(dist, widgetJs), limitKb: 15 },
    { name: 'widget first paint, CSS', kb: await total(dist, await initial(dist, 'widget', 'css')), limitKb: 4 },
    { name: 'protocol client', kb: await clientKb(), limitKb: 5 },
    { name: 'desk initial JS', kb: await total(dist, deskJs), limitKb: 200 },
  ];
  for (const name of lazy) {
    budgets.push({ name: `lazy ${name}`, kb: await total(dist, [`assets/${name}`]), limitKb: 120 });
  }
  return budgets;
}

/** Sentences about what a built folder breaks: sizes, a development build of Solid, a loader that isn't ASCII. */
export async function checkBudgets(dist: string): Promise<string[]> {
  const failures = (await measure(dist))
    .filter((budget) => budget.kb > budget.limitKb)
    .map((budget) => `${budget.name} is ${budget.kb.toFixed(1)} KB gzip, over its budget of ${budget.limitKb} KB`);
  for (const name of await readdir(join(dist, 'assets'))) {
    const code = name.endsWith('.js') ? await readFile(join(dist, 'assets', name), 'utf8') : '';
    if (/^dev-/.test(name) || code.includes('You appear to have multiple instances of Solid')) {
      failures.push(`${name} is Solid's development build: NODE_ENV must be production`);
    }
  }
  if (/[^\x00-\x7f]/.test(await readFile(join(dist, 'w.js'), 'latin1'))) failures.push('w.js is not ASCII');
  return failures;
}

if (process.argv[1] !== undefined && basename(process.argv[1]) === 'budgets.ts') {
  const dist = process.argv[2] ?? 'dist';
  for (const budget of await measure(dist)) {
    console.log(`${budget.kb.toFixed(2).padStart(8)} of ${String(budget.limitKb).padStart(3)} KB  ${budget.name}`);
  }
  const failures = await checkBudgets(dist);
  for (const failure of failures) console.error(`console: ${failure}`);
  process.exit(failures.length > 0 ? 1 : 0);
}
