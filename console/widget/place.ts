/**
 * Where the app stands: in a frame on a customer's page, talking to its loader, or as a page of its own (`/w/<inbox>`).
 * Either way: a token that outlasts the page, what the visitor looks at, and being open or not.
 */
import { createSignal, type Accessor } from 'solid-js';
import { READY, type Kept, type ToFrame, type ToLoader } from './bridge.ts';

export interface Place {
  readonly inbox: string;
  readonly isHosted: boolean;
  readonly locale: string;
  readonly page: string;
  readonly referrer: string;
  readonly isOpen: Accessor<boolean>;
  readonly token: () => string;
  /** What the page around us kept of what is unsent; a page of our own keeps nothing. */
  readonly kept: Kept;
  keepToken(token: string): void;
  tell(message: ToLoader): void;
}

const INBOX = /^\/(?:widget|w)\/([A-Za-z0-9_-]{1,64})\/?$/;

/** Null: the address names no inbox. */
export function inboxOf(path: string): string | null {
  return INBOX.exec(path)?.[1] ?? null;
}

export function findPlace(inbox: string): Promise<Place> {
  return location.pathname.startsWith('/w/') || parent === window ? Promise.resolve(ownPage(inbox)) : inFrame(inbox);
}

function ownPage(inbox: string): Place {
  const key = `trunkline.visitor.${inbox}`;
  let token = '';
  try {
    token = localStorage.getItem(key) ?? '';
  } catch {
    // storage is blocked: a visitor for as long as the page
  }
  return {
    inbox,
    isHosted: true,
    locale: '',
    page: location.href.split('#')[0] ?? '',
    referrer: document.referrer,
    isOpen: () => true,
    kept: {},
    token: () => token,
    keepToken(next) {
      token = next;
      try {
        localStorage.setItem(key, next);
      } catch {
        // as above
      }
    },
    tell: () => undefined,
  };
}

/** Asks the parent for a port; only the parent can answer, and only it knows the visitor's token. */
function inFrame(inbox: string): Promise<Place> {
  const [isOpen, setOpen] = createSignal(false);
  return new Promise((resolve) => {
    const answered = (event: MessageEvent): void => {
      const port = event.ports[0];
      const embedder = location.ancestorOrigins?.[0] ?? (document.referrer ? new URL(document.referrer).origin : event.origin);
      if (event.data !== READY || event.source !== parent || event.origin !== embedder || port === undefined) return;
      removeEventListener('message', answered);
      let token = '';
      port.onmessage = ({ data }: MessageEvent<ToFrame>) => {
        if (data.t !== 'boot') {
          setOpen(data.t === 'open');
          return;
        }
        token = data.token;
        setOpen(data.isOpen);
        if (data.theme === 'dark' || data.theme === 'light') document.documentElement.dataset['theme'] = data.theme;
        resolve({
          inbox,
          isHosted: false,
          locale: data.locale,
          page: data.page.split('#')[0] ?? '',
          referrer: data.referrer,
          isOpen,
          kept: data,
          token: () => token,
          keepToken(next) {
            token = next;
            port.postMessage({ t: 'keep', what: { token: next } } satisfies ToLoader);
          },
          tell: (message) => port.postMessage(message),
        });
      };
    };
    addEventListener('message', answered);
    // Carries nothing: whoever embeds us may hear it.
    parent.postMessage(READY, '*');
  });
}
