import { createRoot } from 'solid-js';
import { expect, test, vi } from 'vitest';
import { Problem } from '../../../ui/rest.ts';
import { createForm, type FormOptions, type Stored } from './form.ts';

interface Team {
  readonly name: string;
  readonly calendar: string;
  readonly tags: readonly string[];
}

const TEAM: Team = { name: 'Billing', calendar: '', tags: ['a'] };
const MOVED = new Problem(412, 'resource.changed', 'moved');

/** A node that stores one record and refuses what has another revision. */
function node(stored: Stored<Team>) {
  const at = { stored };
  const save = vi.fn((value: Team, revision: number) => {
    if (revision !== at.stored.revision) return Promise.reject(MOVED);
    at.stored = { value: { ...value, name: value.name.trim() }, revision: revision + 1 };
    return Promise.resolve(at.stored);
  });
  return { at, save, reload: () => Promise.resolve(at.stored) };
}

const form = (options: Partial<FormOptions<Team>> & Pick<FormOptions<Team>, 'save'>) =>
  createRoot(() => createForm<Team>({ begin: { value: TEAM, revision: 3 }, explain: (error) => (error as Problem).code, ...options }));

test('what is shown as saved is what the node answered', async () => {
  const { save, reload } = node({ value: TEAM, revision: 3 });
  const one = form({ save, reload });
  expect(one.isDirty()).toBe(false);
  one.set('name', ' Invoices ');
  one.set('tags', ['a', 'b']);
  expect([one.isDirty(), one.saves()]).toEqual([true, 0]);
  expect(await one.submit()).toBe(true);
  expect({ ...one.value }).toEqual({ name: 'Invoices', calendar: '', tags: ['a', 'b'] });
  expect([one.isDirty(), one.saves(), one.isBusy()]).toEqual([false, 1, false]);
  one.set('name', 'Bills');
  expect(await one.submit()).toBe(true); // at the revision that the first answer had
});

test('what is typed while the answer is under way stays, and is not saved', async () => {
  let answer: (stored: Stored<Team>) => void = () => undefined;
  const one = form({ save: () => new Promise((resolve) => (answer = resolve)) });
  one.set('name', 'Invoices');
  const done = one.submit();
  expect(await one.submit()).toBe(false); // a second press sends nothing
  one.set('calendar', 'week');
  answer({ value: { ...TEAM, name: 'Invoices' }, revision: 4 });
  expect(await done).toBe(true);
  expect([one.value.name, one.value.calendar, one.isDirty()]).toEqual(['Invoices', 'week', true]);
});

test('a lost update keeps what was typed, and names what the other one changed', async () => {
  const { at, save, reload } = node({ value: { ...TEAM, calendar: 'week', name: 'Their name' }, revision: 5 });
  const one = form({ save, reload });
  one.set('name', 'My name');
  expect(await one.submit()).toBe(false);
  expect(one.lost()).toMatchObject({ clashes: ['name'], taken: ['calendar'] });
  expect([one.value.name, at.stored.value.name]).toEqual(['My name', 'Their name']);
  one.keepMine();
  expect([one.value.name, one.value.calendar, one.lost(), one.isDirty()]).toEqual(['My name', 'week', undefined, true]);
  expect(await one.submit()).toBe(true);
  expect(at.stored.value).toMatchObject({ name: 'My name', calendar: 'week' });
});

test('a list in a list is replaced as a whole, by typing and by discarding', () => {
  const week = { days: [[{ from: '9', to: '12' }], []] as { from: string; to: string }[][] };
  const one = createRoot(() => createForm({ begin: { value: week, revision: 1 }, save: () => Promise.reject(MOVED), explain: String }));
  one.set('days', [[{ from: '9', to: '12' }, { from: '13', to: '18' }], [{ from: '8', to: '9' }]]);
  expect(one.value.days.map((day) => day.length)).toEqual([2, 1]);
  one.set('days', [[{ from: '13', to: '18' }], []]);
  expect(one.value.days).toEqual([[{ from: '13', to: '18' }], []]);
  one.discard();
  expect([one.value.days, one.isDirty()]).toEqual([week.days, false]);
});

test('what is stored by other means keeps what is typed, and the next save names its revision', async () => {
  const { at, save } = node({ value: { ...TEAM, calendar: 'week' }, revision: 4 });
  const one = form({ save });
  one.set('name', 'Mine');
  one.moved(at.stored);
  expect([one.value.name, one.value.calendar]).toEqual(['Mine', 'week']);
  expect(await one.submit()).toBe(true);
});

test('theirs can be taken instead', async () => {
  const { save, reload } = node({ value: { ...TEAM, name: 'Their name' }, revision: 5 });
  const one = form({ save, reload });
  one.set('name', 'My name');
  await one.submit();
  one.takeTheirs();
  expect([one.value.name, one.isDirty(), one.lost()]).toEqual(['Their name', false, undefined]);
});

test('a refusal stands at its field if that has a control, else below the form; typing takes it away', async () => {
  const one = form({ save: () => Promise.reject(new Problem(422, 'record.invalid', '', 'name')) });
  await one.submit();
  expect([one.wrong(), one.problem()]).toEqual([{}, 'record.invalid']);
  one.known('name');
  await one.submit();
  expect([one.wrong(), one.problem()]).toEqual([{ name: 'record.invalid' }, '']);
  one.set('name', 'x');
  expect(one.wrong()).toEqual({});
});

test('what can not be right is not sent', async () => {
  const save = vi.fn(() => Promise.reject(MOVED));
  const one = form({ save, check: ({ name }): Record<string, string> => (name ? {} : { name: 'needed' }) });
  one.set('name', '');
  expect([await one.submit(), one.wrong(), save.mock.calls.length]).toEqual([false, { name: 'needed' }, 0]);
});

test('a lost update whose newer version can not be read says so and keeps what was typed', async () => {
  const away = new Problem(0, 'network.unreachable', '');
  const one = form({ save: () => Promise.reject(MOVED), reload: () => Promise.reject(away) });
  one.set('name', 'Mine');
  await one.submit();
  expect([one.problem(), one.value.name, one.isBusy()]).toEqual(['network.unreachable', 'Mine', false]);
});
