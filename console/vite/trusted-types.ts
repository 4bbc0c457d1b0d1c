import type { Plugin } from 'vite';

const LINE = 't.innerHTML = html;';

/**
 * Lets Solid's `template()` work under `require-trusted-types-for 'script'` (dom-expressions issue 517):
 * its one assignment of markup goes through the policy `solid`. Throws when Solid's source has changed.
 */
export function trustedTypes(): Plugin {
  return {
    name: 'solid-trusted-types',
    enforce: 'pre',
    transform(code, id) {
      if (!/solid-js\/web\/dist\/(web|dev)\.js/.test(id)) return null;
      const patched = code.replace(LINE, 't.innerHTML = policy ? policy.createHTML(html) : html;');
      if (patched === code) throw new Error('solid-js template() has changed: revisit vite/trusted-types.ts');
      const policy =
        "const policy = globalThis.trustedTypes?.createPolicy('solid', { createHTML: (markup) => markup });\n";
      return { code: policy + patched, map: null };
    },
  };
}
