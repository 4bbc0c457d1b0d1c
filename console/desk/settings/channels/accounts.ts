/** Accounts on channels, for admins, and the sentence about an account's health. */
import type { Finding, HealthOut, InboxOut } from '../../../api/rest.ts';
import { call } from '../../../ui/rest.ts';
import { timeOrDay } from '../../../ui/format.ts';
import { now } from '../../store/now.ts';
import { locale, t } from '../../words/texts.ts';
import type { Inbox } from '../../channels/known.ts';
import { inWords } from '../../channels/reasons.ts';

export type { Finding };
export type Health = HealthOut;
export type Account = InboxOut;

export interface Row extends Inbox {
  /** Null for channels that the node serves itself, such as `web`. */
  readonly health: Health | null;
}

export const listAccounts = async (): Promise<readonly Row[]> => (await call<{ items: Row[] }>('GET', 'inboxes?health=true')).items;

export type Condition = 'well' | 'ill' | 'failing' | 'away' | 'quiet' | 'own' | 'broken';

export function conditionOf(health: Health | null): Condition {
  if (health === null) return 'own';
  if (health.problem) return 'broken';
  if (!health.running) return 'away';
  if (health.ill) return 'ill';
  if (health.failing) return 'failing';
  return health.heard_at || health.sent_at ? 'well' : 'quiet';
}

const time = (at: number): string => (at ? timeOrDay(at, now(), locale()) : t('health.never'));

/** Health as one sentence: "Well. In 14:31, out 14:32." */
export function healthText({ channel, health }: Row): string {
  const condition = conditionOf(health);
  if (health === null || condition === 'own') return t('health.own');
  if (condition === 'broken') return t('health.broken', { reason: health.problem });
  if (condition === 'away') return t('health.away');
  const words = { in: time(health.heard_at), out: time(health.sent_at) };
  const reason = inWords(channel, health.ill);
  if (condition === 'ill') return health.since ? t('health.ill', { since: time(health.since), reason }) : t('health.unusable', { reason });
  if (condition === 'failing') return t('health.failing', { since: time(health.failing_since ?? 0), reason: inWords(channel, health.failing ?? '') });
  if (health.until > Date.now()) return t('health.held', { time: time(health.until) });
  return condition === 'quiet' ? t('health.quiet') : t('health.well', words);
}
