import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import deskEn from '../desk/locale/en.json' with { type: 'json' };
import deskZh from '../desk/locale/zh-CN.json' with { type: 'json' };
import settingsEn from '../desk/locale/settings.en.json' with { type: 'json' };
import settingsZh from '../desk/locale/settings.zh-CN.json' with { type: 'json' };
import dataEn from '../ui/data/en.json' with { type: 'json' };
import dataZh from '../ui/data/zh-CN.json' with { type: 'json' };
import widgetEn from '../widget/locale/en.json' with { type: 'json' };
import widgetZh from '../widget/locale/zh-CN.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Texts of the files of these folders whose names match, by path. */
function read(folders: readonly string[], wanted: RegExp): Record<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  const files = paths.filter((path) => wanted.test(path) && !path.endsWith('.test.ts'));
  return Object.fromEntries(files.map((path) => [path, readFileSync(ROOT + path, 'utf8')]));
}

const sources = read(['client', 'ui', 'desk', 'widget', 'demo'], /\.(tsx?|js|html)$/);
const { 'ui/style/tokens.css': tokens = '', ...styles } = read(['ui', 'desk', 'widget'], /\.css$/);

test('no source builds markup from text or runs text as code', () => {
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  for (const [path, text] of Object.entries(sources)) {
    expect(text, path).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc/);
    expect(text, path).not.toMatch(/\beval\(|new Function\(/);
  }
});

test('no component destructures its props', () => {
  for (const [path, text] of Object.entries(sources)) {
    if (path.endsWith('.tsx')) expect(text, path).not.toMatch(/function [A-Z]\w*\(\s*\{|const \{[^}]*\} = props\b/);
  }
});

test('only the tokens name a colour', () => {
  expect(Object.keys(styles).length).toBeGreaterThan(10);
  for (const [path, text] of Object.entries(styles)) expect(text, path).not.toMatch(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(/i);
});

interface Forms {
  readonly one?: string;
  readonly other: string;
}

const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();
const longest = (text: string | Forms): string => (typeof text === 'string' ? text : text.other);

test.each([
  ['desk', deskEn, deskZh],
  ['desk/settings', settingsEn, settingsZh],
  ['widget', widgetEn, widgetZh],
  ['ui/data', dataEn, dataZh],
])('%s: every text exists in both languages, with the same places', (app, en, zh) => {
  const [english, chinese] = [en as Record<string, string | Forms>, zh as Record<string, string | Forms>];
  expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  for (const [key, text] of Object.entries(english)) {
    const translated = chinese[key] ?? '';
    expect(longest(translated), key).not.toBe('');
    expect(places(longest(translated)), key).toEqual(places(longest(text)));
    expect(typeof translated, key).toBe(typeof text);
  }
  const all = Object.entries(sources).filter(([path]) => path.startsWith(`${app}/`)).map(([, text]) => text).join('\n');
  const isUsed = (key: string): boolean =>
    all.includes(`'${key}'`) || all.includes(`\`${key.slice(0, key.lastIndexOf('.') + 1)}\${`);
  expect(Object.keys(english).filter((key) => !isUsed(key))).toEqual([]);
});

test('light and dark define the same colours', () => {
  const [light = '', dark = ''] = [/:root \{([\s\S]*?)\n\}/.exec(tokens)?.[1], /\[data-theme="dark"\] \{([\s\S]*?)\n\}/.exec(tokens)?.[1]];
  const colours = (block: string): string[] =>
    [...block.matchAll(/(--[\w-]+): (#\w+|rgb\([^)]*\))/g)].map((match) => match[1] ?? '').sort();
  expect(colours(dark).length).toBeGreaterThan(20);
  expect(colours(light)).toEqual(colours(dark));
});
