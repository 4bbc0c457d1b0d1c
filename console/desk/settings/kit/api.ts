/** The settings of a tenant over REST: records with a revision, of which a write says which one it read. */
import { uuid7 } from '../../../client/ids.ts';
import { call, Problem } from '../../../ui/rest.ts';

export type Noun = 'agents' | 'calendars' | 'inboxes' | 'invitations' | 'roles' | 'skills' | 'teams';

export interface Revised {
  readonly id: string;
  readonly revision: number;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Pages that are followed: 10,000 records, far more than a company has of any of these. */
const PAGES_MAX = 20;

const path = (noun: Noun, id = ''): string => `settings/${noun}${id && `/${encodeURIComponent(id)}`}`;
const ifMatch = (revision: number): Record<string, string> => ({ 'If-Match': `"${revision}"` });
/** Of a POST: a try that got no answer and is repeated makes nothing twice. */
const once = (key: string): Record<string, string> => ({ 'Idempotency-Key': key });

/** Keys of the tries of one form: the same body again bears the same key, so that a try whose answer was lost makes nothing twice. */
export function createKeys(): (body: object) => string {
  let tried = { body: '', key: '' };
  return (body) => {
    const json = JSON.stringify(body);
    if (tried.body !== json) tried = { body: json, key: uuid7() };
    return tried.key;
  };
}

/** All records of a noun, in the node's order. */
export async function listAll<T>(noun: Noun): Promise<readonly T[]> {
  const found: T[] = [];
  let after = '';
  for (let n = 0; n < PAGES_MAX; n += 1) {
    const page = await call<Page<T>>('GET', `${path(noun)}${after && `?after=${encodeURIComponent(after)}`}`);
    found.push(...page.items);
    if (page.next === null) break;
    after = page.next;
  }
  return found;
}

export const readOne = <T>(noun: Noun, id: string): Promise<T> => call<T>('GET', path(noun, id));
export const createOne = <T>(noun: Noun, body: object, key: string): Promise<T> => call<T>('POST', path(noun), body, '', once(key));
/** Raises `Problem` `resource.changed` (412) where the record is no longer at `revision`. */
export const saveOne = <T>(noun: Noun, id: string, body: object, revision: number): Promise<T> => call<T>('PUT', path(noun, id), body, '', ifMatch(revision));
export const removeOne = (noun: Noun, id: string, revision: number): Promise<void> => call('DELETE', path(noun, id), undefined, '', ifMatch(revision));

/** Whether a write was refused since somebody changed the record after it was read. */
export const isLostUpdate = (error: unknown): boolean => error instanceof Problem && (error.status === 412 || error.code === 'resource.changed' || error.code === 'record.changed');
