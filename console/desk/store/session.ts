/** Slice: the session of this page, restored from the cookie, or made by sign-in or an invitation. */
import { createSignal } from 'solid-js';
import type { AgentOut, Identity } from '../../api/rest.ts';
import { persist, type Trying } from '../../ui/persist.ts';
import { call, Problem } from '../../ui/rest.ts';
import { preferLocale } from '../words/language.ts';

export type { Identity };
export type Agent = AgentOut;

export type Session =
  | { readonly is: 'unknown' }
  /** `isHeld`: a server answers, and can't look anything up, since its log is away. */
  | { readonly is: 'unreachable'; readonly isHeld: boolean }
  | { readonly is: 'out'; readonly because: '' | 'expired' | 'elsewhere' }
  | { readonly is: 'in'; readonly who: Identity };

const [session, setSession] = createSignal<Session>({ is: 'unknown' });
export { session };

/** Flag in local storage that a session may exist: without it `GET me` would only log a 401 on the first visit. */
const HINT = 'trunkline.signed_in';

function hint(isSignedIn: boolean): void {
  try {
    if (isSignedIn) localStorage.setItem(HINT, '1');
    else localStorage.removeItem(HINT);
  } catch {
    // storage is blocked: restore() always asks
  }
}

function mayBeSignedIn(): boolean {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    return true;
  }
}

function enter(who: Identity): void {
  hint(true);
  preferLocale(who.agent.locale);
  setSession({ is: 'in', who });
}

/** Only these say that nobody is signed in: a node that is busy or away says nothing about it. */
const isRefusal = (error: unknown): boolean => error instanceof Problem && (error.status === 401 || error.status === 403);

/** Whether it is known now who is signed in; false: to be asked again. */
async function isTold(): Promise<boolean> {
  if (session().is === 'in') return true; // by an invitation, meanwhile
  if (!mayBeSignedIn()) {
    setSession({ is: 'out', because: '' });
    return true;
  }
  try {
    enter(await call<Identity>('GET', 'me'));
    return true;
  } catch (error) {
    if (isRefusal(error)) hint(false);
    const isHeld = error instanceof Problem && error.code.startsWith('log.');
    setSession(isRefusal(error) ? { is: 'out', because: '' } : { is: 'unreachable', isHeld });
    return isRefusal(error);
  }
}

let trying: Trying | undefined;

/** Asks who is signed in until that is known; again: at once, as when somebody presses a button. */
export function restore(): void {
  if (trying === undefined) trying = persist(isTold);
  else trying.now();
}

/** Raises `Problem` (`session.bad_credentials`). */
export async function signIn(email: string, password: string): Promise<void> {
  enter(await call<Identity>('POST', 'session', { email, password }));
}

/** Raises `Problem` (`invitation.gone`, `agent.email_taken`, `agent.password_weak`). */
export async function accept(token: string, name: string, email: string, password: string): Promise<void> {
  enter(await call<Identity>('POST', 'invitations/accept', { token, name, email, password }));
}

/** Sets the password that a reset link is for. Raises `Problem` (`reset.gone`, `agent.password_weak`). */
export async function acceptReset(token: string, password: string): Promise<void> {
  enter(await call<Identity>('POST', 'resets/accept', { token, password }));
}

/** Signs out here also if the node doesn't answer: nobody must stay signed in on this screen. */
export async function endSession(): Promise<void> {
  await call('DELETE', 'session').catch(() => undefined);
  hint(false);
  setSession({ is: 'out', because: '' });
}

export function dropSession(because: 'expired' | 'elsewhere'): void {
  hint(false);
  setSession({ is: 'out', because });
}
