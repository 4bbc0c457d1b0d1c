/** The part of the route that a page of settings follows; it stays as it is while another page is shown. */
import { createMemo, type Accessor } from 'solid-js';
import type { Route } from '../../store/address.ts';
import { route } from '../../store/route.ts';

type At = Pick<Extract<Route, { page: 'settings' }>, 'what' | 'id' | 'query'>;

export function at(noun: string): Accessor<At> {
  return createMemo<At>(
    (before) => {
      const now = route();
      return now.page === 'settings' && now.noun === noun ? { what: now.what, id: now.id, query: now.query } : before;
    },
    { what: 'list', id: '', query: {} },
    { equals: (one, other) => JSON.stringify(one) === JSON.stringify(other) },
  );
}
