/** The demo shop: language, and which inbox the chat belongs to (`?inbox=web`, or `data-inbox` on the loader's tag). */
const wanted = new URLSearchParams(location.search);
const language = wanted.get('lang') ?? navigator.language;
document.documentElement.lang = language.startsWith('zh') ? 'zh-CN' : 'en';

// Runs before the loader: module scripts and deferred ones keep the order of the page.
const inbox = wanted.get('inbox');
const tag = document.querySelector<HTMLScriptElement>('script[data-inbox]');
if (tag !== null && inbox !== null && /^[A-Za-z0-9_-]{1,64}$/.test(inbox)) tag.dataset['inbox'] = inbox;

document.getElementById('language')?.addEventListener('click', () => {
  wanted.set('lang', document.documentElement.lang === 'en' ? 'zh-CN' : 'en');
  location.search = wanted.toString();
});
document.getElementById('ask')?.addEventListener('click', () => {
  (window as unknown as { Trunkline?: (command: string) => void }).Trunkline?.('open');
});
