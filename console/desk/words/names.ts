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

const DEEDS: Readonly<Record<string, TextKey>> = { enter: 'fact.entered', menu: 'fact.menu', blocked: 'fact.blocked', moved: 'fact.moved' };

type Told = Readonly<Record<string, unknown>>;

/** Sentence about what a customer did at the provider: what they tapped, by which code they came, where they are now. */
export function eventText(name: string, data: Told = {}): string {
  const told = (...names: readonly string[]): string => {
    const value = names.map((one) => data[one]).find((one) => (typeof one === 'string' && one !== '') || typeof one === 'number');
    return value === undefined ? '' : String(value);
  };
  const [scene, choice, scanned, to, from] = [told('scene', 'scene_param'), told('choice_text', 'choice'), told('scanned'), told('to'), told('from')];
  if (name === 'moved' && to) return from ? t('fact.moved_from', { from, to }) : t('fact.moved_to', { to });
  if (name === 'enter' || name === 'menu') {
    if (scanned) return t('fact.scanned', { text: scanned });
    if (choice) return t('fact.tapped', { choice });
    if (scene) return t('fact.came_by', { scene });
  }
  const key = DEEDS[name];
  return key === undefined ? t('fact.other', { type: name }) : t(key);
}

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
    case 'contact.linked':
      return event.name ? t('fact.known_as', { name: event.name }) : t('fact.vouched');
    case 'contact.merged':
      return event.name ? t('fact.merged_as', { name: event.name }) : t('fact.merged');
    case 'message.added':
      return eventText(event.text ?? '', event.data);
    default:
      return t('fact.other', { type: event.type });
  }
}
