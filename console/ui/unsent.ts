/** What both pages say of messages that wait. */
import type { Entry } from '../client/index.ts';

/**
 * Messages wait though there is a connection: the node can't store them now. Not those that came too fast, which go
 * within moments.
 */
export const isHeldUp = (entries: readonly Entry[]): boolean =>
  entries.some(({ state, error }) => (state === 'waiting' || state === 'sending') && error !== undefined && !error.code.startsWith('limit.') && error.code !== 'conversation.closed');
