/** Accounts on channels, as the node tells admins of them, and how each is in words. */
import { call } from '../../ui/rest.ts';
import { timeOrDay } from '../../ui/format.ts';
import { now } from '../store/now.ts';
import { locale, t } from '../words/texts.ts';
import type { Inbox } from '../channels/known.ts';
import { inWords } from '../channels/reasons.ts';

export interface Health {
  /** Whether a process of the channel answers. */
  readonly running: boolean;
  /** Why the channel itself can't be used, empty if it can. */
  readonly problem: string;
  /** Why nothing goes out, empty if it does. */
  readonly ill: string;
  readonly since: number;
  readonly until: number;
  /** UTC ms, 0: never. */
  readonly heard_at: number;
  readonly sent_at: number;
}

export interface Row extends Inbox {
  /** Null: customers come to the node itself. */
  readonly health: Health | null;
}

export interface Account extends Row {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Secrets that are set. */
  readonly secrets: readonly string[];
  readonly callback: string;
  /** Sites that may show its chat; `*`: any. */
  readonly origins: readonly string[];
}

export interface Finding {
  readonly name: string;
  readonly problem: string;
}

export const listAccounts = async (): Promise<readonly Row[]> => (await call<{ items: Row[] }>('GET', 'inboxes?health=true')).items;

export type Condition = 'well' | 'ill' | 'away' | 'quiet' | 'own' | 'broken';

export function conditionOf(health: Health | null): Condition {
  if (health === null) return 'own';
  if (health.problem) return 'broken';
  if (!health.running) return 'away';
  if (health.ill) return 'ill';
  return health.heard_at || health.sent_at ? 'well' : 'quiet';
}

const time = (at: number): string => (at ? timeOrDay(at, now(), locale()) : t('health.never'));

/** "Well. In 14:31, out 14:32." */
export function healthText({ channel, health }: Row): string {
  const condition = conditionOf(health);
  if (health === null || condition === 'own') return t('health.own');
  if (condition === 'broken') return t('health.broken', { reason: health.problem });
  if (condition === 'away') return t('health.away');
  const words = { in: time(health.heard_at), out: time(health.sent_at) };
  const reason = inWords(channel, health.ill);
  if (condition === 'ill') return health.since ? t('health.ill', { since: time(health.since), reason }) : t('health.unusable', { reason });
  if (health.until > Date.now()) return t('health.held', { time: time(health.until) });
  return condition === 'quiet' ? t('health.quiet') : t('health.well', words);
}
