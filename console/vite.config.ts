import { fileURLToPath } from 'node:url';
import { defineConfig, type UserConfig } from 'vite';
import solid from 'vite-plugin-solid';
import { ICONS } from './ui/icons/icons.ts';
import { ascii } from './vite/ascii.ts';
import { early } from './vite/early.ts';
import { sprite } from './vite/sprite.ts';
import { trustedTypes } from './vite/trusted-types.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const node = process.env['TRUNKLINE_NODE'] ?? 'http://127.0.0.1:8080';

/** Pages of one build. The widget has its own, so that it carries no line that only the desk needs. */
const pages = (names: readonly string[]): UserConfig => ({
  root: here('.'),
  base: '/',
  publicDir: false,
  plugins: [
    trustedTypes(),
    sprite(ICONS, here('ui/icons/channels.svg')),
    early(here('ui/style/early.js')),
    solid(),
  ],
  css: { modules: { generateScopedName: '[local]_[hash:base64:4]' } },
  build: {
    target: 'es2022',
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: Object.fromEntries(names.map((name) => [name, here(`${name}/index.html`)])),
    },
  },
  server: {
    proxy: {
      '/ws': { target: node, ws: true },
      '/api': node,
      '/files': node,
    },
  },
});

/** The loader that customers put on their pages: one classic script, ASCII only (the host may name no charset). */
const loader: UserConfig = {
  root: here('.'),
  publicDir: false,
  plugins: [ascii()],
  build: {
    target: 'es2020',
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: here('widget/loader.ts'),
      output: { format: 'iife', entryFileNames: 'w.js' },
    },
  },
};

export default defineConfig(({ mode }) => {
  if (mode === 'loader') return loader;
  return pages(mode === 'widget' ? ['widget'] : ['desk', 'demo']);
});
