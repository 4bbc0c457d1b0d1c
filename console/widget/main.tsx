import '../ui/style/tokens.css';
import '../ui/style/base.css';
import './widget.css';
import type { JSX } from 'solid-js';
import { render } from 'solid-js/web';
import { pickLocale } from '../client/i18n.ts';
import { persist } from '../ui/persist.ts';
import { Problem } from '../ui/rest.ts';
import { App, Unavailable } from './App.tsx';
import { findPlace, inboxOf } from './place.ts';
import { use } from './texts.ts';
import { paint } from './accent.ts';
import { inboxInfo, localeOf } from './info.ts';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
const inbox = inboxOf(location.pathname);
if (inbox === null) throw new Error('the address names no inbox');

const place = await findPlace(inbox);
document.body.dataset['place'] = place.isHosted ? 'page' : 'frame';
let shown = (): void => undefined;
let isApology = false;
const show = (what: () => JSX.Element): void => {
  shown();
  shown = render(what, root);
};
const trying = persist(async () => {
  try {
    const info = await inboxInfo(inbox);
    await use(localeOf(place, info));
    paint(info.accent, place);
    document.title = info.name;
    show(() => <App place={place} info={info} />);
    return true;
  } catch (error) {
    const isMissing = error instanceof Problem && error.status === 404;
    if (isApology && !isMissing) return false; // the same sentence stands there
    await use(pickLocale([place.locale, ...navigator.languages]));
    isApology = true;
    show(() => <Unavailable isMissing={isMissing} place={place} onRetry={() => trying.now()} />);
    return isMissing;
  }
});
