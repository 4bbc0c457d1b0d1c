/** Slice: the tenant's agents, fetched over REST; names of assignees and the menu of *assign* come from it. */
import { createStore, reconcile } from 'solid-js/store';
import type { Event } from '../../client/index.ts';
import type { Colleague } from '../../api/rest.ts';
import { call } from '../../ui/rest.ts';
import type { Agent } from './session.ts';

export type { Colleague };

/** An agent's name; the id where the list doesn't have them. Pure. */
export const nameIn = (all: readonly Colleague[], me: Pick<Agent, 'id' | 'name'>, id: string): string =>
  id === me.id ? me.name : (all.find((one) => one.id === id)?.name ?? id);

/** Whether an assignment names an agent who was made since the list was fetched. Pure. */
export const namesStranger = (all: readonly Colleague[], me: Pick<Agent, 'id'>, event: Event): boolean =>
  (event.type === 'conversation.assigned' || event.type === 'conversation.released') &&
  event.agent !== me.id &&
  !all.some((one) => one.id === event.agent);

export interface ColleaguesSlice {
  readonly all: readonly Colleague[];
  nameOf(id: string): string;
  isStrange(event: Event): boolean;
  /** Keeps the list that it has when the node doesn't answer. */
  refresh(): Promise<void>;
}

export function createColleagues(me: Pick<Agent, 'id' | 'name'>): ColleaguesSlice {
  const [all, set] = createStore<Colleague[]>([]);
  return {
    all,
    nameOf: (id) => nameIn(all, me, id),
    isStrange: (event) => namesStranger(all, me, event),
    async refresh() {
      const page = await call<{ items: Colleague[] }>('GET', 'agents').catch(() => null);
      if (page !== null) set(reconcile(page.items, { key: 'id' }));
    },
  };
}
