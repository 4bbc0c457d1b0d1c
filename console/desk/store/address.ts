/** Hash routes: every view, conversation and message has an address of its own. Pure. */

export const VIEWS = ['mine', 'queue', 'all'] as const;
export type View = (typeof VIEWS)[number];

export type Route =
  | { readonly page: 'inbox'; readonly view: View; readonly conv: string; readonly seq: number }
  | { readonly page: 'search' }
  | { readonly page: 'overview' }
  /** The list; with `adding` (a channel, or `new` to choose one) or `inbox` one account. */
  | { readonly page: 'channels'; readonly adding: string; readonly inbox: string }
  /** A list of settings; `new`: the form of another; `at`: one of them. `query`: what a list is narrowed to. */
  | { readonly page: 'settings'; readonly noun: string; readonly what: 'list' | 'new' | 'at'; readonly id: string; readonly query: Readonly<Record<string, string>> }
  /** The link with which somebody who forgot their password sets another. */
  | { readonly page: 'reset'; readonly token: string }
  | { readonly page: 'join'; readonly token: string };

/** The route of a hash such as `#/inbox/mine/<conv>/<seq>`; what isn't known is one's own work. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\//, '').split('?');
  const [page = '', first = '', second = '', third = ''] = path.split('/').map(decode);
  if (page === 'search' || page === 'overview') return { page };
  if (page === 'channels') return { page, adding: first === 'new' ? second || 'new' : '', inbox: first === 'at' ? second : '' };
  if (page === 'settings') {
    const what = second === 'new' || (second === 'at' && third !== '') ? second : 'list';
    return { page, noun: first || 'profile', what, id: what === 'at' ? third : '', query: Object.fromEntries(new URLSearchParams(query)) };
  }
  if (page === 'reset') return { page, token: first };
  if (page === 'join') return { page, token: first };
  const view = VIEWS.find((name) => name === first) ?? 'mine';
  const conv = /^[0-9]{2}[a-z2-7]{26}$/.test(second) ? second : '';
  return { page: 'inbox', view, conv, seq: conv ? Number(third) || 0 : 0 };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

export function inboxHref(view: View, conv = '', seq = 0): string {
  return `#/inbox/${view}${conv ? `/${conv}` : ''}${conv && seq ? `/${seq}` : ''}`;
}

export const addHref = (channel = ''): string => `#/channels/new${channel && `/${encodeURIComponent(channel)}`}`;
export const accountHref = (inbox: string): string => `#/channels/at/${encodeURIComponent(inbox)}`;

/** A page of settings; with `id` one record, with `id` `''` the form of a new one. */
export const settingsHref = (noun: string, id?: string): string => {
  if (id === undefined) return `#/settings/${noun}`;
  return `#/settings/${noun}${id === '' ? '/new' : `/at/${encodeURIComponent(id)}`}`;
};

/** The audit, narrowed to a kind, a record and a person. */
export function auditHref({ kind = '', id = '', by = '' }: { readonly kind?: string; readonly id?: string; readonly by?: string }): string {
  const given = Object.entries({ kind, id, by }).filter(([, value]) => value !== '');
  return `#/settings/audit${given.length > 0 ? `?${new URLSearchParams(given).toString()}` : ''}`;
}
