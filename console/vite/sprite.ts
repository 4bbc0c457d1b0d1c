import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Plugin } from 'vite';

const require = createRequire(import.meta.url);
const VIRTUAL = 'virtual:sprite';
const RESOLVED = '\0virtual:sprite';

/** One `<symbol>` of a lucide icon: its body without the `<svg>` around it. */
function lucideSymbol(id: string, icon: string): string {
  const file = readFileSync(require.resolve(`lucide-static/icons/${icon}.svg`), 'utf8');
  const body = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(file)?.[1];
  if (body === undefined) throw new Error(`lucide icon ${icon} has no body`);
  return `<symbol id="${id}" viewBox="0 0 24 24">${body.replace(/\s*\n\s*/g, '').replace(/ \/>/g, '/>')}</symbol>`;
}

/**
 * Builds one SVG file from the icons named in `icons` ({id: lucide name}) and the channel glyphs of `glyphs`
 * (a file of `<symbol>`s); `import url from 'virtual:sprite'` is its address.
 */
export function sprite(icons: Record<string, string>, glyphs: string): Plugin {
  const build = (): string => {
    const symbols = Object.entries(icons).map(([id, icon]) => lucideSymbol(id, icon));
    return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}${readFileSync(glyphs, 'utf8').trim()}</svg>`;
  };
  let serving = false;
  return {
    name: 'sprite',
    configResolved(config) {
      serving = config.command === 'serve';
    },
    configureServer(server) {
      server.middlewares.use('/sprite.svg', (_request, response) => {
        response.setHeader('Content-Type', 'image/svg+xml');
        response.end(build());
      });
    },
    resolveId: (id) => (id === VIRTUAL ? RESOLVED : null),
    load(id) {
      if (id !== RESOLVED) return null;
      if (serving) return "export default '/sprite.svg';";
      const reference = this.emitFile({ type: 'asset', name: 'icons.svg', source: build() });
      return `export default import.meta.ROLLUP_FILE_URL_${reference};`;
    },
  };
}
