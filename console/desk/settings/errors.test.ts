import { expect, test } from 'vitest';
import document from '../../api/openapi.json' with { type: 'json' };
import { hasSentence, lackingIn, usesOf } from './errors.ts';

/** Codes that nobody brings about by a form of ours: of requests that the pages don't make, of tokens, of proxies. */
const NOT_BY_A_FORM = /^(token\.|origin\.|host\.|body\.(not_json|too_slow)|query\.|id\.(uuid|used)|request\.|access\.agents_only)/;

test('each refusal of the routes of settings has a sentence in the reader’s language', () => {
  const routes = Object.entries(document.paths).filter(([path]) => /^\/api\/v1\/(settings|me|resets|sessions|agents)\b/.test(path));
  const told = JSON.stringify(routes.map(([, methods]) => Object.values(methods as Record<string, { responses: unknown }>).map(({ responses }) => responses)));
  const codes = [...new Set([...told.matchAll(/`([a-z]+\.[a-z_]+)`/g)].map((match) => match[1] ?? ''))];
  expect(codes.length).toBeGreaterThan(30);
  expect(codes.filter((code) => !NOT_BY_A_FORM.test(code) && !hasSentence(code))).toEqual([]);
});

test('what uses a record is read out of the sentence that the node says', () => {
  expect(usesOf('It is used by 2 agents and 1 inbox; change these first.')).toEqual([
    { what: 'uses.agents', n: 2 },
    { what: 'uses.inboxes', n: 1 },
  ]);
  expect(usesOf('It is used by 1 open invitation; change these first.')).toEqual([{ what: 'uses.invitations', n: 1 }]);
  expect(usesOf('Something else.')).toEqual([]);
});

test('rights that one lacks are read out of the sentence too', () => {
  expect(lackingIn("You can't give what you may not do yourself: tenant.manage, conversation.release_others.")).toEqual(['tenant.manage', 'conversation.release_others']);
});
