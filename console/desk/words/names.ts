/** Names of visitors and sentences about events, in the reader's locale. */
import type { Event } from '../../client/index.ts';
import { initial } from '../../ui/format.ts';
import { t, type TextKey } from './texts.ts';

const shortId = (id: string): string => id.slice(-4).toUpperCase();

/** A visitor's name, else one from the contact's id: "Visitor 7F3A". */
export function visitorName(name: string | undefined, contact: string | undefined): string {
  return name || (contact ? t('visitor.unnamed', { id: shortId(contact) }) : t('visitor.somebody'));
}

/** Initial for the avatar; without a name the first character of the short id, so that rows differ. */
export const visitorInitial = (name: string | undefined, contact: string | undefined): string =>
  initial(name || shortId(contact ?? ''));

const RULES: Readonly<Record<string, TextKey>> = { fewest_open: 'fact.assigned_fewest_open', take: 'fact.taken', assign: 'fact.assigned' };
const RELEASES: Readonly<Record<string, TextKey>> = { agent_gone: 'fact.released_gone' };
const REOPENINGS: Readonly<Record<string, TextKey>> = { visitor: 'fact.reopened_visitor' };

const DEEDS: Readonly<Record<string, TextKey>> = { enter: 'fact.entered', menu: 'fact.menu', blocked: 'fact.blocked' };

/** Sentence about an event at the provider, such as a menu click. */
export const eventText = (name: string): string => {
  const key = DEEDS[name];
  return key === undefined ? t('fact.other', { type: name }) : t(key);
};

/** Sentence about a system event; a neutral one for unknown types. */
export function factText(event: Event, nameOf: (agent: string) => string): string {
  const by = event.by.kind === 'agent' ? (event.by.name ?? '') || nameOf(event.by.id) : '';
  /** Sentence with a known reason, else the plain one with the free text behind it. */
  const because = (known: Readonly<Record<string, TextKey>>, reason: string, plain: TextKey, agent = ''): string => {
    const key = known[reason];
    if (key !== undefined) return t(key, { agent, by });
    return reason ? t('fact.because', { fact: t(plain, { agent, by }), reason }) : t(plain, { agent, by });
  };
  switch (event.type) {
    case 'conversation.opened':
      return t(event.previous ? 'fact.opened_again' : 'fact.opened');
    case 'conversation.assigned': {
      const agent = nameOf(event.agent);
      const rule = event.reason?.rule ?? 'assign';
      if (by) return event.by.id === event.agent ? t('fact.taken', { agent }) : t('fact.assigned_by', { agent, by });
      return t(RULES[rule] ?? 'fact.assigned_rule', { agent, rule });
    }
    case 'conversation.released':
      return because(RELEASES, event.why ?? '', 'fact.released', nameOf(event.agent));
    case 'conversation.resolved':
      return because({}, event.reason ?? '', by ? 'fact.resolved_by' : 'fact.resolved');
    case 'conversation.reopened':
      return because(REOPENINGS, event.reason ?? '', by ? 'fact.reopened_by' : 'fact.reopened');
    case 'conversation.closed':
      return because({}, event.reason ?? '', 'fact.closed');
    case 'queue.entered':
      return t('fact.queued');
    case 'queue.left':
      return t('fact.gave_up');
    case 'rating.given':
      return t('fact.rated', { score: event.score, scale: event.scale ?? 5 });
    case 'message.added':
      return eventText(event.text ?? '');
    default:
      return t('fact.other', { type: event.type });
  }
}
