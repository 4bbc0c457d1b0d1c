/**
 * Recipients of a reply to a mail; same rules as `adapters/channels/email/recipients.py`, and both run the cases of
 * `tests/cases/recipients.json`. Pure.
 */
import type { Item } from '../../ui/thread.ts';

export interface Recipients {
  readonly to: string;
  readonly cc: readonly string[];
  /** Reply-To of a mail that didn't pass DMARC; empty: none. */
  readonly doubtful: string;
}

type Context = Readonly<Record<string, string>>;

/**
 * Mail headers of the customer's messages merged, the newest of each, with the copies that an agent chose since;
 * undefined without a mail.
 */
export function contextOf(items: readonly Item[]): Context | undefined {
  const said = items.flatMap((item): Context[] => {
    if (item.is !== 'message') return [];
    if (item.by.kind === 'visitor') return [item.context];
    return item.cc && !item.note ? [{ cc: item.cc.join(' ').toLowerCase() }] : [];
  });
  return said.some((one) => 'from' in one || 'cc' in one) ? Object.assign({}, ...said) : undefined;
}

/** `customer`: whom the conversation is with; `chosen`: the Reply-To that the agent chose, empty for none. */
export function recipients(said: Context, customer: string, chosen: string): Recipients {
  const isTheirs = (said['from'] ?? customer) === customer;
  const doubtful = said['reply_to'] || (said['dmarc'] === 'pass' ? '' : (said['to'] ?? ''));
  const isChosen = isTheirs && chosen !== '' && chosen === doubtful;
  const to = isChosen ? chosen : (isTheirs && !doubtful && said['to']) || customer;
  // Who else is in the Reply-To that the agent chose.
  const also = isChosen ? (said['also'] ?? '') : '';
  const others = new Set(`${also} ${said['cc'] ?? ''}`.split(' ').filter((one) => one !== ''));
  const cc = [...others].filter((one) => one !== to && one !== customer && one !== doubtful);
  return { to, cc: cc.slice(0, 20), doubtful: isTheirs ? doubtful : '' };
}

/** Warning beside a sender by DMARC; undefined if it passed, or for no mail. */
export function doubtOf(said: Context): 'mail.forged' | 'mail.unproven' | undefined {
  if (!('from' in said) || said['dmarc'] === 'pass') return undefined;
  return said['dmarc'] === 'fail' ? 'mail.forged' : 'mail.unproven';
}
