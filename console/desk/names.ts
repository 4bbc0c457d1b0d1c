import type { Event } from '../client/index.ts';
import { t } from './texts.ts';

/** A visitor's name, or one made of the id where none was given: "Visitor 7F3A". */
export function visitorName(name: string | undefined, id: string): string {
  return name || t('visitor.unnamed', { id: id.slice(-4).toUpperCase() });
}

/** One grey line about what happened; an event of a type we don't know gets a neutral one. */
export function factText(event: Event, nameOf: (agent: string) => string): string {
  const by = event.by.kind === 'agent' ? (event.by.name ?? '') || nameOf(event.by.id) : '';
  switch (event.type) {
    case 'conversation.opened':
      return t(event.previous ? 'fact.opened_again' : 'fact.opened');
    case 'conversation.assigned': {
      const agent = nameOf(event.agent);
      if (event.by.kind === 'agent' && event.by.id === event.agent) return t('fact.taken', { agent });
      if (by) return t('fact.assigned_by', { agent, by });
      return event.reason?.rule ? t('fact.assigned_rule', { agent, rule: event.reason.rule }) : t('fact.assigned', { agent });
    }
    case 'conversation.released':
      return t(event.why === 'gone' ? 'fact.released_gone' : 'fact.released', { agent: nameOf(event.agent) });
    case 'conversation.resolved':
      return by ? t('fact.resolved_by', { by }) : t('fact.resolved');
    case 'conversation.reopened':
      return by ? t('fact.reopened_by', { by }) : t('fact.reopened');
    case 'conversation.closed':
      return t('fact.closed');
    case 'queue.entered':
      return t('fact.queued');
    case 'queue.left':
      return t('fact.gave_up');
    case 'rating.given':
      return t('fact.rated', { score: event.score, scale: event.scale ?? 5 });
    default:
      return t('fact.other', { type: event.type });
  }
}
