/** The shell around `link.ts`: one WebSocket, its timers, and the browser's word about network and visibility. */
import { IDLE, step, type Happening, type Link } from './link.ts';
import type { ClientFrame, Hello, NodeFrame } from './types.ts';

/** From a frame of ours until the node is asked whether it is there, and from there until it is given up. */
const ASK_AFTER_MS = 1_500;
const PONG_WITHIN_MS = 2_000;
const WELCOME_WITHIN_MS = 5_000;
const SETTLED_AFTER_MS = 10_000;

export interface SocketOptions {
  readonly url: string;
  /** Asked at each try, since a visitor's token may have been renewed. */
  readonly hello: () => Hello;
  readonly onLink: (link: Link) => void;
  readonly onFrame: (frame: NodeFrame) => void;
  /** The node called a frame of ours bad (4400) or too large (4413), or failed at it (4500): a defect worth a report. */
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

type Timer = 'retry' | 'quiet' | 'settled' | 'move';

export function openSocket(options: SocketOptions): Socket {
  let link: Link = IDLE;
  let socket: WebSocket | null = null;
  let heartbeatMs = 20_000;
  const timers = new Map<Timer, ReturnType<typeof setTimeout>>();

  const arm = (name: Timer, delayMs: number, then: () => void): void => {
    clearTimeout(timers.get(name));
    timers.set(name, setTimeout(then, delayMs));
  };

  const drop = (): void => {
    const old = socket;
    socket = null;
    for (const name of ['quiet', 'settled', 'move'] as const) clearTimeout(timers.get(name));
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

  /** Something must come within this, on a slow line after each failed try a little later. */
  const expect = (withinMs: number): void => arm('quiet', withinMs * (1 + link.tries), () => happen({ on: 'silent' }));
  const ask = (): void => {
    awaits = true;
    socket?.send(JSON.stringify({ t: 'ping', n: 0 } satisfies ClientFrame));
    expect(PONG_WITHIN_MS);
  };
  // However much comes in: the node closes a client that says nothing, so that it hears of half-open sockets too.
  let awaits = true;
  const heard = (): void => {
    if (!awaits) return;
    awaits = false;
    arm('quiet', heartbeatMs, ask);
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
    awaits = true;
    expect(WELCOME_WITHIN_MS);
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
      // Before `welcome` no frame but `hello` was on its way: 4500 then is a log that is away, and no fault.
      if ([4400, 4413, 4500].includes(event.code) && (link.name === 'live' || event.code !== 4500)) options.onFault(event.code, event.reason);
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
      // A node that is frozen says nothing: one that lives answers, if only to a ping.
      if (!awaits) arm('quiet', ASK_AFTER_MS, ask);
      awaits = true;
      return true;
    },
    distrust: () => happen({ on: 'silent' }),
  };
}
