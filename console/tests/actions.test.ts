import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Action, Targets, Scene } from '../desk/actions/action.ts';
import { ACTIONS } from '../desk/actions/all.ts';
import { helpRows, keycaps } from '../desk/actions/keycaps.ts';
import { available, chord, meant } from '../desk/actions/keymap.ts';

const HERE = fileURLToPath(new URL('../desk/actions/', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const scene = (targets: Partial<Targets>, role = 'agent'): Scene => ({ desk: { who: { agent: { role } } }, targets }) as Scene;

/** What these keys, pressed one after the other, run. */
function run(actions: readonly Action[], on: Scene, focus: Parameters<typeof available>[2], ...pressed: readonly string[]): string | undefined {
  const can = available(actions, on, focus);
  let understood = { run: '', first: '' };
  for (const key of pressed) understood = meant(understood.first, key, can.flatMap(({ keys }) => keys));
  return can.find(({ keys }) => keys.includes(understood.run))?.id;
}

test('every file of a folder here is an action of that id', () => {
  const files = readdirSync(HERE, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('/') && name.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(15);
  expect(ACTIONS.map(({ id }) => `${id}.ts`).sort()).toEqual(files.sort());
});

test('one key means one thing at a time', () => {
  const everything = scene(new Proxy({} as Partial<Targets>, { get: () => ({}) }), 'admin');
  for (const focus of ['', 'field', 'list', 'composer'] as const) {
    const keys = available(ACTIONS, everything, focus).flatMap((one) => one.keys);
    expect(keys, focus).toEqual([...new Set(keys)]);
  }
});

test('a file put beside the others is in the key map and in the help, and nothing else has to be told', async () => {
  // Within the root that Vite serves, under a name that neither git nor the build's hash looks at.
  const folder = mkdtempSync(`${ROOT}.dist.planted-`);
  try {
    mkdirSync(`${folder}/list`);
    cpSync(`${HERE}all.ts`, `${folder}/all.ts`);
    const planted = `export default { id: 'list/jump', keys: ['g x', 'F9'], label: 'keys.open', rank: 1, when: ({ targets }) => 'list' in targets, run: ({ targets }) => targets.list.move(7) };`;
    writeFileSync(`${folder}/list/jump.ts`, planted);
    const { ACTIONS: found } = (await import(/* @vite-ignore */ `${folder}/all.ts`)) as { ACTIONS: readonly Action[] };
    expect(found.map(({ id }) => id)).toEqual(['list/jump']);
    const all = [...ACTIONS, ...found];
    const moved: number[] = [];
    const list = scene({ list: { move: (by) => void moved.push(by), open: () => undefined } });
    expect(run(all, list, '', 'g', 'x')).toBe('list/jump');
    expect(run(all, list, '', 'F9')).toBe('list/jump');
    expect(run(all, scene({}), '', 'F9')).toBeUndefined();
    found[0]?.run(list);
    expect(moved).toEqual([7]);
    expect(helpRows(all)[0]).toEqual({ label: 'keys.open', caps: ['G', 'X', 'F9', 'Enter'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the help lists every action by rank, those of one label in one row', () => {
  expect(helpRows(ACTIONS).map(({ label, caps }) => `${label} ${caps.join(' ')}`)).toEqual([
    'keys.move J K', 'keys.reply R', 'keys.open Enter', 'keys.note M', 'keys.change C', 'keys.back U', 'keys.withdraw W', 'keys.assign A', 'keys.next N', 'keys.resolve E',
    'keys.search /', 'keys.send Enter', 'keys.pane F6', 'keys.newline Shift Enter', 'keys.views [', 'keys.go_inbox G I', 'keys.contact ]',
    'keys.go_search G S', 'keys.escape Esc', 'keys.go_overview G O', 'keys.go_channels G C', 'keys.go_settings G ,', 'keys.help ?', 'keys.save Ctrl Enter',
  ]);
  expect(['g i', 'Shift+Enter', 'Escape', '?'].map((key) => keycaps({ keys: [key] }))).toEqual(['G I', 'Shift Enter', 'Esc', '?']);
});

test('an action counts where its part is, and in a field only if it says so', () => {
  const nothing = (): void => undefined;
  const full = scene({
    page: { back: nothing },
    list: { move: nothing, open: nothing },
    inbox: { toggleViews: nothing, toggleContact: nothing, closeConversation: nothing },
    composer: { write: nothing, send: nothing, leave: nothing },
  });
  expect([run(ACTIONS, full, '', 'j'), run(ACTIONS, full, 'field', 'j'), run(ACTIONS, scene({}), '', 'j')]).toEqual(['list/next', undefined, undefined]);
  expect([run(ACTIONS, full, 'field', 'F6'), run(ACTIONS, full, 'field', 'Escape')]).toEqual(['panes/next', 'panes/back']);
  expect(['Enter', 'Escape', 'Shift+Enter', 'r'].map((key) => run(ACTIONS, full, 'composer', key))).toEqual(['composer/send', 'composer/leave', undefined, undefined]);
  expect([run(ACTIONS, full, 'list', 'Enter'), run(ACTIONS, full, '', 'Enter')]).toEqual(['list/open', undefined]);
  expect([run(ACTIONS, full, '', 'g', 'c'), run(ACTIONS, scene({}, 'admin'), '', 'g', 'c')]).toEqual([undefined, 'go/channels']);
});

test.each([
  [{ key: 'Enter' }, 'Enter'],
  [{ key: 'Enter', shiftKey: true }, 'Shift+Enter'],
  [{ key: 'Enter', altKey: true }, 'Alt+Enter'],
  [{ key: 'Enter', ctrlKey: true }, 'Ctrl+Enter'],
  [{ key: 'Enter', metaKey: true }, 'Ctrl+Enter'],
  [{ key: '?', shiftKey: true }, '?'],
  [{ key: 'J', shiftKey: true }, 'j'],
  [{ key: 'Escape', shiftKey: true }, 'Escape'],
])('%o is %s', (press, name) => {
  expect(chord({ shiftKey: false, altKey: false, ...press })).toBe(name);
});

test('no other source lists keys: what is drawn as a key comes from an action', () => {
  const files = readdirSync(`${ROOT}desk`, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'));
  const texts = files.map((name) => [name, readFileSync(`${ROOT}desk/${name}`, 'utf8')] as const);
  expect(texts.filter(([, text]) => /<kbd[^>]*>[^{]/.test(text)).map(([name]) => name)).toEqual([]);
  for (const language of ['en', 'zh-CN']) {
    const told = JSON.parse(readFileSync(`${ROOT}desk/locale/${language}.json`, 'utf8')) as Record<string, unknown>;
    const named = Object.entries(told).filter(([, text]) => typeof text === 'string' && /\b(?:Esc|F\d|Shift|Ctrl|Enter (?:sends|opens)|Enter (?:发送|打开))\b/.test(text));
    expect(named.map(([key]) => key), language).toEqual([]);
  }
});
