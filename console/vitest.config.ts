import { defineConfig } from 'vitest/config';

// No Solid plugin here: it would demand a DOM. Tests are of pure logic and of the sources' text.
export default defineConfig({
  test: { include: ['**/*.test.ts'], exclude: ['node_modules', 'dist'], environment: 'node', pool: 'threads' },
});
