/** Acts on conversations (take, assign, resolve, reopen) for actions and buttons. The node decides; a conflict names the winner. */
import type { Err, Event, Head } from '../../client/index.ts';
import { call } from '../../ui/rest.ts';
import { explain } from '../words/errors.ts';
import { visitorName } from '../words/names.ts';
import { inboxHref } from '../store/address.ts';
import { go } from '../store/route.ts';
import type { Desk } from '../store/desk.ts';
import { compare } from '../store/views.ts';
import { t } from '../words/texts.ts';
import { toast } from '../store/toast.ts';

const TRIES = 5;

/** Name of the agent who won the race, from the `decided` event of the refusal. */
function winner(desk: Desk, decided: Event | null | undefined): string {
  if (decided?.type === 'conversation.assigned') return desk.colleagues.nameOf(decided.agent);
  return decided?.by.name ?? '';
}

function report(desk: Desk, error: unknown, contact: string): void {
  const refusal = error as Partial<Err>;
  const who = winner(desk, refusal.decided);
  if (who) toast({ text: t('conflict.taken', { who, contact }), action: { label: t('take_next'), run: () => void takeNext(desk) } });
  else toast({ text: explain(error) });
}

export async function take(desk: Desk, conv: string): Promise<boolean> {
  try {
    await desk.act(conv, 'take');
    return true;
  } catch (error) {
    report(desk, error, contactOf(desk, conv));
    return false;
  }
}

const contactOf = (desk: Desk, conv: string): string => {
  const contact = desk.views.heads[conv]?.contact;
  return visitorName(contact?.name, contact?.id);
};

/** Takes the conversation that has waited longest; after a conflict the next one, 5 tries at most. */
export async function takeNext(desk: Desk): Promise<void> {
  let queue: readonly string[];
  try {
    queue = await waiting(desk);
  } catch (error) {
    toast({ text: explain(error) });
    return;
  }
  if (queue.length === 0) {
    toast({ text: t('empty.queue') });
    return;
  }
  for (const conv of queue.slice(0, TRIES)) {
    try {
      await desk.act(conv, 'take');
      go(inboxHref('mine', conv));
      return;
    } catch (error) {
      report(desk, error, contactOf(desk, conv));
      const { code } = error as Partial<Err>;
      if (code === 'offline' || code === 'timeout') return;
    }
  }
}

async function waiting(desk: Desk): Promise<readonly string[]> {
  if (desk.views.rows.queue.isLoaded && desk.views.rows.queue.ids.length > 0 && location.hash.startsWith('#/inbox/queue')) {
    return desk.views.rows.queue.ids;
  }
  const page = await call<{ items: Head[] }>('GET', 'conversations?view=queue&limit=50');
  return page.items.sort(compare('queue')).map((head) => head.conv);
}

export async function change(desk: Desk, conv: string, what: 'resolve' | 'reopen'): Promise<void> {
  try {
    await desk.act(conv, what);
    if (what === 'resolve') toast({ text: t('resolved', { contact: contactOf(desk, conv) }), action: { label: t('undo'), run: () => void change(desk, conv, 'reopen') } });
  } catch (error) {
    report(desk, error, contactOf(desk, conv));
  }
}

export async function assign(desk: Desk, conv: string, agent: string): Promise<void> {
  try {
    await desk.assign(conv, agent);
    toast({ text: t('assigned', { agent: desk.colleagues.nameOf(agent), contact: contactOf(desk, conv) }) });
  } catch (error) {
    report(desk, error, contactOf(desk, conv));
  }
}
