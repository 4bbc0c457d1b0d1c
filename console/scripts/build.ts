/** Builds every page and the loader into the folder given as the argument, then compresses and measures it. */
import { rm } from 'node:fs/promises';
import { build } from 'vite';
import { checkBudgets } from './budgets.ts';
import { compress } from './compress.ts';

const outDir = process.argv[2];
if (outDir === undefined) throw new Error('usage: node scripts/build.ts OUT_DIR');

await rm(outDir, { recursive: true, force: true });
for (const mode of ['production', 'widget', 'loader']) await build({ mode, build: { outDir }, logLevel: 'error' });
await compress(outDir);
const failures = await checkBudgets(outDir);
if (failures.length > 0) {
  for (const failure of failures) console.error(`console: ${failure}`);
  process.exit(1);
}
