import { expect, test } from 'vitest';
import { accountHref, addHref, auditHref, inboxHref, parseRoute, settingsHref } from './address.ts';

const CONV = `00${'a'.repeat(26)}`;

test.each([
  [inboxHref('queue', CONV, 7), { page: 'inbox', view: 'queue', conv: CONV, seq: 7 }],
  [inboxHref('all'), { page: 'inbox', view: 'all', conv: '', seq: 0 }],
  [addHref(), { page: 'channels', adding: 'new', inbox: '' }],
  [addHref('a b'), { page: 'channels', adding: 'a b', inbox: '' }],
  [accountHref('a/b'), { page: 'channels', adding: '', inbox: 'a/b' }],
  ['#/search', { page: 'search' }],
  ['#/settings', { page: 'settings', noun: 'profile', what: 'list', id: '', query: {} }],
  [settingsHref('teams'), { page: 'settings', noun: 'teams', what: 'list', id: '', query: {} }],
  [settingsHref('teams', ''), { page: 'settings', noun: 'teams', what: 'new', id: '', query: {} }],
  [settingsHref('teams', 'a/b'), { page: 'settings', noun: 'teams', what: 'at', id: 'a/b', query: {} }],
  [auditHref({ kind: 'team', id: 'a b', by: '' }), { page: 'settings', noun: 'audit', what: 'list', id: '', query: { kind: 'team', id: 'a b' } }],
  ['#/settings/teams/at/', { page: 'settings', noun: 'teams', what: 'list', id: '', query: {} }],
  ['#/reset/token', { page: 'reset', token: 'token' }],
  ['#/join/token', { page: 'join', token: 'token' }],
])('%s is an address and comes back as its route', (href, route) => {
  expect(parseRoute(href)).toEqual(route);
});

test.each(['', '#/', '#/elsewhere', '#/inbox/nowhere', '#/inbox/mine/../../x', '#/inbox/mine/%E0%A4%A', '#/inbox/mine/short/9'])(
  'an address that nobody has is one’s own work: %s',
  (hash) => {
    expect(parseRoute(hash)).toEqual({ page: 'inbox', view: 'mine', conv: '', seq: 0 });
  },
);
