import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const solid = (path: string): string => fileURLToPath(new URL(`node_modules/solid-js/${path}`, import.meta.url));

// No Solid plugin here: it would demand a DOM. Tests are of pure logic, of slices of the store and of the sources' text.
export default defineConfig({
  resolve: {
    // Node.js would get Solid's build for servers, whose stores and signals don't react.
    alias: [
      { find: /^solid-js$/, replacement: solid('dist/solid.js') },
      { find: /^solid-js\/store$/, replacement: solid('store/dist/store.js') },
    ],
  },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'dist'],
    environment: 'node',
    pool: 'threads',
    server: { deps: { inline: [/solid-js/] } },
  },
});
