/** Slice: the state that this agent chose, and how many conversations they take at once. */
import { createStore } from 'solid-js/store';
import type { Welcome } from '../../client/index.ts';

export const STATES = ['online', 'busy', 'away', 'offline'] as const;
export type AgentState = (typeof STATES)[number];

export interface Presence {
  state: AgentState;
  /** 0: without a limit. */
  capacity: number;
}

/** Presence as `welcome` reports it: `state` is empty for an agent who never chose one. Pure. */
export const presenceOf = ({ me }: Pick<Welcome, 'me'>): Presence => ({
  state: STATES.find((one) => one === me.state) ?? 'offline',
  capacity: me.capacity ?? 0,
});

export interface PresenceSlice {
  readonly now: Readonly<Presence>;
  welcomed(frame: Pick<Welcome, 'me'>): void;
  /** Asks the node first: shown is what it acknowledged. Rejects with its refusal. */
  choose(state: AgentState): Promise<void>;
}

/** `tell` sends the choice to the node and resolves when that has it. */
export function createPresence(tell: (state: AgentState) => Promise<unknown>): PresenceSlice {
  const [now, set] = createStore<Presence>({ state: 'offline', capacity: 0 });
  return {
    now,
    welcomed: (frame) => set(presenceOf(frame)),
    async choose(state) {
      await tell(state);
      set('state', state);
    },
  };
}
