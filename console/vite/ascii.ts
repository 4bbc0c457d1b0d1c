import type { Plugin } from 'vite';

/** Escapes what isn't ASCII: a customer's page without a charset reads our script as Latin-1. */
export function ascii(): Plugin {
  return {
    name: 'ascii',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        chunk.code = chunk.code.replace(
          /[^\x00-\x7f]/g,
          (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
      }
    },
  };
}
