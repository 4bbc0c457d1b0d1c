/** Slice: the session of this page, restored from the cookie, or made by sign-in or an invitation. */
import { createSignal } from 'solid-js';
import { call, Problem } from '../../ui/rest.ts';

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly locale: string;
}

export interface Identity {
  readonly tenant: { readonly id: string; readonly name: string };
  readonly agent: Agent;
}

export type Session =
  | { readonly is: 'unknown' }
  | { readonly is: 'unreachable' }
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
  setSession({ is: 'in', who });
}

export async function restore(): Promise<void> {
  if (!mayBeSignedIn()) {
    setSession({ is: 'out', because: '' });
    return;
  }
  setSession({ is: 'unknown' });
  try {
    enter(await call<Identity>('GET', 'me'));
  } catch (error) {
    const isRefused = error instanceof Problem && error.status >= 400 && error.status < 500;
    if (isRefused) hint(false);
    setSession(isRefused ? { is: 'out', because: '' } : { is: 'unreachable' });
  }
}

/** Raises `Problem` (`session.bad_credentials`). */
export async function signIn(email: string, password: string): Promise<void> {
  enter(await call<Identity>('POST', 'session', { email, password }));
}

/** Raises `Problem` (`invitation.gone`, `agent.email_taken`, `agent.password_weak`). */
export async function accept(token: string, name: string, email: string, password: string): Promise<void> {
  enter(await call<Identity>('POST', 'invitations/accept', { token, name, email, password }));
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
