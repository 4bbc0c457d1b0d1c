/** What the loader on the customer's page and the frame say to each other, over one `MessagePort`. */

export type ToFrame =
  | (Kept & {
      readonly t: 'boot';
      readonly token: string;
      readonly locale: string;
      readonly theme: string;
      readonly page: string;
      readonly referrer: string;
      readonly isOpen: boolean;
    })
  | { readonly t: 'open' | 'close' };

/**
 * What outlasts the page, in its own storage: the visitor's token, the bubble's colours, and where the browser denies
 * a frame of another site its storage, what is unsent (`kept.ts`). Undefined forgets a key.
 */
export interface Kept {
  readonly token?: string;
  readonly accent?: string;
  readonly onAccent?: string;
  readonly [unsent: `${'outbox' | 'heads'}.${string}`]: unknown;
}

export type ToLoader =
  | { readonly t: 'keep'; readonly what: Kept }
  | { readonly t: 'unread'; readonly n: number }
  | { readonly t: 'close' };

/** The frame's first word to its parent; the answer carries the port. */
export const READY = 'trunkline.ready';
