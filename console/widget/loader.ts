/**
 * `w.js`: the bubble on a customer's page, and the frame behind it. Under 2 KB gzip, no dependency, no request but the
 * frame. All drawn in a closed shadow root, so the page's styles can't break it; needs only `script-src` and `frame-src`.
 */
import { READY, type Kept, type ToFrame, type ToLoader } from './bridge.ts';

type Options = { inbox?: string | undefined; locale?: string | undefined; theme?: string | undefined };
type Command = 'boot' | 'open' | 'close' | 'toggle' | 'show' | 'hide' | 'logout' | 'on';
type Happened = 'ready' | 'open' | 'close' | 'unread';
type Api = ((command: Command, ...rest: unknown[]) => void) & { q?: ArrayLike<unknown>[] };

const CSS = `:host{all:initial}
button,iframe{position:fixed;right:24px;z-index:2147483000;box-shadow:0 8px 24px rgb(0 0 0/.14)}
button{border:0;padding:0;bottom:24px;width:56px;height:56px;border-radius:50%;display:grid;place-items:center;background:var(--a,#0A6B62);color:var(--o,#fff);cursor:pointer}
button:focus-visible{outline:2px solid var(--a,#0A6B62);outline-offset:2px}
svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
b{position:absolute;top:-2px;right:-2px;min-width:16px;height:16px;padding:0 4px;box-sizing:border-box;border-radius:8px;background:#16201D;color:#fff;font:600 12px/16px system-ui,sans-serif;text-align:center;box-shadow:0 0 0 2px #fff}
iframe{bottom:92px;width:380px;height:min(640px,calc(100vh - 116px));border:0;border-radius:12px;background:Canvas;outline:1px solid rgb(0 0 0/.08);color-scheme:light dark}
[hidden]{display:none}
@media(max-width:479px){iframe{inset:0;width:100%;height:100vh;height:100dvh;border-radius:0}[aria-expanded=true]{display:none}}`;
const BUBBLE = 'M3 4.5h18v12h-9l-4.5 3.75V16.5H3z';
const DOWN = 'm6 9.75 6 6 6-6';

const own = document.currentScript as HTMLScriptElement;
const node = new URL(own.src).origin;
const listeners: { [name: string]: ((value?: unknown) => void)[] } = {};
let options: Options = {};
let host: HTMLElement | undefined;
let button: HTMLButtonElement;
let badge: HTMLElement;
let path: SVGPathElement;
let frame: HTMLIFrameElement | undefined;
let port: MessagePort | undefined;
let isOpen = false;

const key = (): string => `trunkline:${node}:${options.inbox}`;
/** What is kept after `more` is added to it, or after `null` forgets it; nothing where storage is blocked. */
const kept = (more?: Kept | null): Kept => {
  try {
    const all = more === null ? {} : { ...JSON.parse(localStorage.getItem(key()) || '{}'), ...more };
    if (more !== undefined) localStorage.setItem(key(), JSON.stringify(all));
    return all;
  } catch {
    return {};
  }
};
const tell = (message: ToFrame): void => port?.postMessage(message);
const emit = (name: Happened, value?: unknown): void => listeners[name]?.forEach((listener) => listener(value));
const language = (): string => options.locale || document.documentElement.lang || navigator.language;
const isNarrow = (): boolean => matchMedia('(max-width:479px)').matches;

const draw = (): void => {
  const isChinese = language().startsWith('zh');
  button.ariaLabel = isOpen ? (isChinese ? '关闭聊天' : 'Close chat') : isChinese ? '打开聊天' : 'Open chat';
  button.ariaExpanded = `${isOpen}`;
  path.setAttribute('d', isOpen ? DOWN : BUBBLE);
};

const colour = (): void => {
  const { accent, onAccent } = kept();
  button.style.cssText = accent ? `--a:${accent};--o:${onAccent}` : '';
};

const heard = ({ data }: MessageEvent<ToLoader>): void => {
  if (data.t === 'close') shut();
  if (data.t === 'keep') {
    kept(data.what);
    colour();
  }
  if (data.t === 'unread') {
    badge.textContent = `${data.n}`;
    badge.hidden = !data.n;
    emit('unread', data.n);
  }
};

addEventListener('message', (event) => {
  if (event.data !== READY || event.origin !== node || !frame || event.source !== frame.contentWindow) return;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = heard;
  frame.contentWindow?.postMessage(READY, node, [channel.port2]);
  tell({
    token: '',
    ...kept(),
    t: 'boot',
    locale: language(),
    theme: options.theme || '',
    page: location.href,
    referrer: document.referrer,
    isOpen,
  });
  emit('ready');
});

const load = (): void => {
  if (frame || !host) return;
  frame = document.createElement('iframe');
  frame.title = 'Chat';
  frame.src = `${node}/widget/${encodeURIComponent(options.inbox || '')}`;
  frame.hidden = !isOpen;
  button.after(frame);
};

const open = (): void => {
  if (isOpen || !host) return;
  isOpen = true;
  load();
  frame!.hidden = false;
  draw();
  if (isNarrow()) history.pushState({ ...history.state, trunkline: 1 }, '');
  tell({ t: 'open' });
  frame!.focus();
  emit('open');
};

const shut = (): void => {
  if (!isOpen) return;
  isOpen = false;
  frame!.hidden = true;
  draw();
  tell({ t: 'close' });
  if (history.state?.trunkline) history.back();
  button.focus();
  emit('close');
};

const toggle = (): void => (isOpen ? shut() : open());

addEventListener('popstate', () => isOpen && isNarrow() && shut());

const boot = (given: Options): void => {
  options = { ...options, ...given };
  if (host || !options.inbox) return;
  host = document.createElement('div');
  const root = host.attachShadow({ mode: 'closed' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
  button = document.createElement('button');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  badge = document.createElement('b');
  badge.hidden = true;
  svg.append(path);
  button.append(svg, badge);
  button.onclick = toggle;
  button.onpointerenter = button.onfocus = load;
  colour();
  draw();
  root.append(button);
  document.body.append(host);
  // Somebody who has written before gets answers without opening the window first.
  if (kept().token) (window.requestIdleCallback || setTimeout)(load);
};

const api: Api = (command, ...rest) => {
  const [first, second] = rest;
  if (command === 'boot') boot((first || {}) as Options);
  if (command === 'open') open();
  if (command === 'close') shut();
  if (command === 'toggle') toggle();
  if (command === 'show' || command === 'hide') {
    if (command === 'hide') shut();
    if (host) host.style.display = command === 'hide' ? 'none' : '';
  }
  if (command === 'on') (listeners[`${first}`] ||= []).push(second as () => void);
  if (command === 'logout') {
    shut();
    frame?.remove();
    frame = port = undefined;
    badge.hidden = true;
    kept(null);
  }
};

const page = window as unknown as { Trunkline?: Api };
const queued = page.Trunkline?.q || [];
page.Trunkline = api;
const begin = (): void => {
  boot({ inbox: own.dataset['inbox'], locale: own.dataset['locale'], theme: own.dataset['theme'] });
  for (const call of queued) api(...(Array.from(call) as [Command]));
};
if (document.body) begin();
else addEventListener('DOMContentLoaded', begin);
