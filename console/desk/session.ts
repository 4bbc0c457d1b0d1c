/** Who is signed in: restored from the cookie, made by signing in or accepting an invitation. */
import { createSignal } from 'solid-js';
import { call, Problem } from '../client/index.ts';

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

export async function restore(): Promise<void> {
  setSession({ is: 'unknown' });
  try {
    setSession({ is: 'in', who: await call<Identity>('GET', 'me') });
  } catch (error) {
    const isRefused = error instanceof Problem && error.status >= 400 && error.status < 500;
    setSession(isRefused ? { is: 'out', because: '' } : { is: 'unreachable' });
  }
}

/** Raises `Problem` (`session.bad_credentials`). */
export async function signIn(email: string, password: string): Promise<void> {
  setSession({ is: 'in', who: await call<Identity>('POST', 'session', { email, password }) });
}

/** Raises `Problem` (`invitation.gone`, `agent.email_taken`, `agent.password_weak`). */
export async function accept(token: string, name: string, email: string, password: string): Promise<void> {
  setSession({ is: 'in', who: await call<Identity>('POST', 'invitations/accept', { token, name, email, password }) });
}

/** The cookie ends here; the node being away must not keep anybody signed in on this screen. */
export async function endSession(): Promise<void> {
  await call('DELETE', 'session').catch(() => undefined);
  setSession({ is: 'out', because: '' });
}

export const dropSession = (because: 'expired' | 'elsewhere'): void => void setSession({ is: 'out', because });
