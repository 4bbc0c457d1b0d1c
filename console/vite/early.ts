import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/**
 * Puts a small classic script (plain JavaScript, at most a few hundred bytes) in the head of every page, so
 * that it runs before the first paint; modules run too late for that and the CSP forbids inline scripts.
 */
export function early(file: string): Plugin {
  const source = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/\s*/g, '').replace(/\n\s*/g, '\n');
  const name = `assets/early-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`;
  let serving = false;
  return {
    name: 'early',
    configResolved(config) {
      serving = config.command === 'serve';
    },
    configureServer(server) {
      server.middlewares.use(`/${name}`, (_request, response) => {
        response.setHeader('Content-Type', 'text/javascript');
        response.end(source);
      });
    },
    generateBundle() {
      if (!serving) this.emitFile({ type: 'asset', fileName: name, source });
    },
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: `/${name}` }, injectTo: 'head-prepend' }],
  };
}
