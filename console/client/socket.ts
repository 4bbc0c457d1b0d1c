/** The shell around `link.ts`: one WebSocket, its timers, and the browser's word about network and visibility. */
import { IDLE, step, type Happening, type Link } from './link.ts';
import type { ClientFrame, Hello, NodeFrame } from './types.ts';

const PONG_WITHIN_MS = 8_000;
const WELCOME_WITHIN_MS = 10_000;
const SETTLED_AFTER_MS = 10_000;

export interface SocketOptions {
  readonly url: string;
  /** Asked at each try, since a visitor's token may have been renewed. */
  readonly hello: () => Hello;
  readonly onLink: (link: Link) => void;
  readonly onFrame: (frame: NodeFrame) => void;
  /** The node called a frame of ours bad (4400) or too large (4413): a defect worth a report. */
  readonly onFault: (code: number, reason: string) => void;
}

export interface Socket {
  start(): void;
  stop(): void;
  /** False if the link isn't live: the frame was not sent. */
  send(frame: ClientFrame): boolean;
  /** Gives this connection up (an answer is overdue) and comes back. */
  distrust(): void;
}

export function openSocket(options: SocketOptions): Socket {
  let link: Link = IDLE;
  let socket: WebSocket | null = null;
  let heartbeatMs = 20_000;
  const timers = new Map<'retry' | 'quiet' | 'settled' | 'move', ReturnType<typeof setTimeout>>();

  const arm = (name: 'retry' | 'quiet' | 'settled' | 'move', delayMs: number, then: () => void): void => {
    clearTimeout(timers.get(name));
    timers.set(name, setTimeout(then, delayMs));
  };

  const drop = (): void => {
    const old = socket;
    socket = null;
    clearTimeout(timers.get('quiet'));
    clearTimeout(timers.get('settled'));
    clearTimeout(timers.get('move'));
    if (old !== null && old.readyState <= WebSocket.OPEN) old.close(1000);
  };

  const happen = (happening: Happening): void => {
    const [next, deeds] = step(link, happening, Math.random());
    const changed = next !== link;
    link = next;
    if (changed) clearTimeout(timers.get('retry'));
    for (const deed of deeds) {
      if (deed.do === 'close') drop();
      if (deed.do === 'open') open();
      if (deed.do === 'wait') arm('retry', deed.delayMs, () => happen({ on: 'due' }));
    }
    if (changed) options.onLink(link);
  };

  // However much comes in: the node closes a client that says nothing, so that it hears of half-open sockets too.
  let pinged = true;
  const heard = (): void => {
    if (!pinged) return;
    pinged = false;
    arm('quiet', heartbeatMs, () => {
      pinged = true;
      socket?.send(JSON.stringify({ t: 'ping', n: 0 } satisfies ClientFrame));
      arm('quiet', PONG_WITHIN_MS, () => happen({ on: 'silent' }));
    });
  };

  const open = (): void => {
    drop();
    let mine: WebSocket;
    try {
      mine = new WebSocket(options.url, 'trunkline.v1');
    } catch {
      queueMicrotask(() => happen({ on: 'closed', code: 1006 }));
      return;
    }
    socket = mine;
    pinged = true;
    arm('quiet', WELCOME_WITHIN_MS, () => happen({ on: 'silent' }));
    mine.onopen = () => mine.send(JSON.stringify(options.hello()));
    mine.onmessage = (message) => {
      if (socket !== mine) return;
      const frame = JSON.parse(String(message.data)) as NodeFrame;
      if (frame.t === 'welcome') {
        heartbeatMs = frame.heartbeat_s * 1000;
        happen({ on: 'welcome' });
        arm('settled', SETTLED_AFTER_MS, () => happen({ on: 'settled' }));
      }
      heard();
      options.onFrame(frame);
      if (frame.t === 'drain') arm('move', Math.random() * frame.in_ms, () => happen({ on: 'move' }));
    };
    mine.onclose = (event) => {
      if (socket !== mine) return;
      drop();
      if (event.code === 4400 || event.code === 4413) options.onFault(event.code, event.reason);
      happen({ on: 'closed', code: event.code });
    };
  };

  const onOnline = (): void => happen({ on: 'online' });
  const onOffline = (): void => happen({ on: 'offline' });
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') happen({ on: 'visible' });
  };

  return {
    start() {
      addEventListener('online', onOnline);
      addEventListener('offline', onOffline);
      document.addEventListener('visibilitychange', onVisible);
      happen({ on: 'start' });
    },
    stop() {
      removeEventListener('online', onOnline);
      removeEventListener('offline', onOffline);
      document.removeEventListener('visibilitychange', onVisible);
      happen({ on: 'stop' });
    },
    send(frame) {
      if (link.name !== 'live' || socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
    distrust: () => happen({ on: 'silent' }),
  };
}
