/** Legality of acts on a conversation, by the node's own table (api/acts.ts). Pure; the node decides in the end. */
import { ACTS } from '../../api/acts.ts';
import type { Head } from '../../client/index.ts';

export type ActName = keyof typeof ACTS;
type Condition = (typeof ACTS)[ActName][number][0];

interface Standing {
  readonly status: NonNullable<Head['status']>;
  readonly agent: string;
}

const HOLDS: Readonly<Record<Condition, (standing: Standing, agent: string) => boolean>> = {
  is_resolved: ({ status }) => status === 'resolved',
  is_not_resolved: ({ status }) => status !== 'resolved',
  is_theirs: (standing, agent) => standing.agent === agent,
  is_not_theirs: (standing, agent) => standing.agent !== agent,
  is_owned: (standing) => standing.agent !== '',
};

/** Code of what refuses `act` by or to `agent`, null if it is legal. */
export function refusal(act: ActName, standing: Standing, agent: string): string | null {
  if (standing.status === 'closed') return 'conversation.closed';
  return ACTS[act].find(([condition]) => HOLDS[condition](standing, agent))?.[1] ?? null;
}
