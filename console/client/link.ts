/**
 * The life of the connection as a pure state machine: what happened in, what to do out.
 * `socket.ts` is the shell around it.
 */

export type LinkName = 'idle' | 'connecting' | 'live' | 'backoff' | 'offline' | 'stopped';

/** Why the link stopped for good; the person must do something. */
export type StopReason = 'asked' | 'signin' | 'forbidden' | 'elsewhere' | 'outdated';

export interface Link {
  readonly name: LinkName;
  /** Failed tries since the last time that lasted. */
  readonly tries: number;
  readonly reason?: StopReason;
}

export type Happening =
  | { readonly on: 'start' | 'stop' | 'welcome' | 'settled' | 'due' | 'move' | 'online' | 'offline' | 'visible' | 'silent' }
  | { readonly on: 'closed'; readonly code: number };

export type Deed =
  | { readonly do: 'open' | 'close' }
  | { readonly do: 'wait'; readonly delayMs: number };

export const IDLE: Link = { name: 'idle', tries: 0 };

const STOPS: Readonly<Record<number, StopReason>> = {
  4401: 'signin', 4403: 'forbidden', 4409: 'elsewhere', 4426: 'outdated',
};

/** Full jitter: at first in 0 .. 0.2 s, then in 0.2 s .. min(20 s, 0.5 s x 2^tries). `random` is in 0..1. */
export function delayMs(tries: number, random: number): number {
  const least = tries && 200;
  return Math.round(least + random * (Math.min(20_000, tries ? 500 * 2 ** tries : 200) - least));
}

/** What follows from `happening` in the state `link`. */
export function step(link: Link, happening: Happening, random: number): [Link, Deed[]] {
  const wait = (tries: number): [Link, Deed[]] => [
    { name: 'backoff', tries: tries + 1 },
    [{ do: 'wait', delayMs: delayMs(tries, random) }],
  ];
  switch (happening.on) {
    case 'start':
      return link.name === 'idle' || link.name === 'stopped' ? [{ name: 'connecting', tries: 0 }, [{ do: 'open' }]] : [link, []];
    case 'stop':
      return [{ name: 'stopped', tries: 0, reason: 'asked' }, [{ do: 'close' }]];
    case 'welcome':
      return link.name === 'connecting' ? [{ ...link, name: 'live' }, []] : [link, []];
    case 'settled':
      return link.name === 'live' ? [{ name: 'live', tries: 0 }, []] : [link, []];
    case 'due':
      return link.name === 'backoff' ? [{ ...link, name: 'connecting' }, [{ do: 'open' }]] : [link, []];
    case 'online':
    case 'visible':
      return link.name === 'backoff' || link.name === 'offline'
        ? [{ ...link, name: 'connecting' }, [{ do: 'open' }]]
        : [link, []];
    case 'offline':
      return link.name === 'stopped' || link.name === 'idle'
        ? [link, []]
        : [{ name: 'offline', tries: link.tries }, [{ do: 'close' }]];
    case 'silent':
      if (link.name !== 'live' && link.name !== 'connecting') return [link, []];
      return [wait(link.tries)[0], [{ do: 'close' }, ...wait(link.tries)[1]]];
    case 'move': // our moment within the spread of a node that leaves; until then it serves us
      return link.name === 'live' ? [{ name: 'connecting', tries: 0 }, [{ do: 'open' }]] : [link, []];
    case 'closed': {
      if (link.name !== 'live' && link.name !== 'connecting') return [link, []];
      const reason = STOPS[happening.code];
      if (reason !== undefined) return [{ name: 'stopped', tries: 0, reason }, []];
      // Too slow a reader or silent: our own watermarks are good, so come back at once, with jitter.
      if (happening.code === 4408 && link.name === 'live') return wait(0);
      return wait(happening.code === 4429 ? Math.max(link.tries, 4) : link.tries);
    }
  }
}
