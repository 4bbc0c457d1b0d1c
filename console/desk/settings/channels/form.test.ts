import { expect, test } from 'vitest';
import forms from '../../../../tests/cases/form.json';
import { begin, isRare, valuesOf, wrongOf, type Field } from './form.ts';

test.each(forms.cases)('a form is checked as the node checks it: $values', ({ values, wrong }) => {
  const found = (forms.fields as Field[]).map((field) => [field.key, wrongOf(field, (values as Record<string, unknown>)[field.key])]);
  expect(found.find(([, code]) => code !== '') ?? null).toEqual(wrong);
});

test('a form begins with what is set, and sends what was entered', () => {
  const fields = forms.fields as Field[];
  const entered = begin(fields, { key: 'abcd', aliases: ['a', 'b'], port: 4 });
  expect(entered).toMatchObject({ key: 'abcd', token: '', mode: 'poll', is_test: false, port: '4', wait_s: '1.5', aliases: 'a\nb' });
  const values = valuesOf(fields, { ...entered, key: ' abc ', pem: 'line\n' }, ['token']);
  expect(values).toEqual({ key: 'abc', mode: 'poll', is_test: false, port: 4, wait_s: 1.5, aliases: ['a', 'b'], note: '', pem: 'line\n' });
  expect(fields.filter(isRare).map((field) => field.key)).toEqual(['is_test', 'port', 'wait_s']);
});
