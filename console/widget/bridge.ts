/** What the loader on the customer's page and the frame say to each other, over one `MessagePort`. */

export type ToFrame =
  | {
      readonly t: 'boot';
      readonly token: string;
      readonly locale: string;
      readonly theme: string;
      readonly page: string;
      readonly referrer: string;
      readonly isOpen: boolean;
    }
  | { readonly t: 'open' | 'close' };

/** What outlasts the page, in its own storage: the visitor's token, the bubble's colours. */
export interface Kept {
  readonly token?: string;
  readonly accent?: string;
  readonly onAccent?: string;
}

export type ToLoader =
  | { readonly t: 'keep'; readonly what: Kept }
  | { readonly t: 'unread'; readonly n: number }
  | { readonly t: 'close' };

/** The frame's first word to its parent; the answer carries the port. */
export const READY = 'trunkline.ready';
