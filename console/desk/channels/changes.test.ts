import { expect, test } from 'vitest';
import cases from '../../../tests/cases/changes.json';
import { leaveTo } from './changes.ts';

interface Case {
  readonly name: string;
  readonly channel: string;
  readonly edit: string;
  readonly recall: string;
  readonly note?: boolean;
  readonly kind?: string;
  readonly by?: string;
  readonly provider?: boolean;
  readonly withdrawn?: boolean;
  readonly template?: boolean;
  readonly after_s?: number;
  readonly recalls?: boolean;
  readonly edits?: boolean;
  readonly recall_s?: number;
  readonly edit_s?: number;
}

const CASES: readonly Case[] = cases;
const AT = 1_000_000;

const said = (one: Partial<Case>): Parameters<typeof leaveTo>[1] => ({
  by: { kind: (one.kind ?? 'agent') as 'agent', id: one.by ?? 'lin' },
  at: AT,
  note: one.note ?? false,
  providerAt: one.provider ? 0 : null,
  recalled: one.withdrawn ?? false,
  isTemplate: one.template ?? false,
});

test.each(CASES)('$name', (one) => {
  const allows = { recalls: one.recalls ?? false, edits: one.edits ?? false, recall_s: one.recall_s ?? 0, edit_s: one.edit_s ?? 0 };
  const now = AT + (one.after_s ?? 1) * 1000;
  expect(leaveTo('edit', said(one), 'lin', one.channel, allows, now).code).toBe(one.edit);
  expect(leaveTo('recall', said(one), 'lin', one.channel, allows, now).code).toBe(one.recall);
});

test('the time that is left, and of a channel that is not known nothing is promised', () => {
  const allows = { recalls: true, edits: true, recall_s: 120, edit_s: 0 };
  expect(leaveTo('recall', said({}), 'lin', 'wecom', allows, AT + 20_000)).toEqual({ code: '', leftMs: 100_000, withinMs: 120_000 });
  expect(leaveTo('edit', said({}), 'lin', 'wecom', allows, AT + 20_000)).toEqual({ code: '', leftMs: 0, withinMs: 0 });
  expect(leaveTo('edit', said({}), 'lin', 'wecom', undefined, AT).code).toBe('message.channel_keeps');
});
