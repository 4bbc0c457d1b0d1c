import '../ui/style/tokens.css';
import '../ui/style/base.css';
import './common/common.css';
import { render } from 'solid-js/web';
import { pickLocale } from '../client/i18n.ts';
import { App } from './App.tsx';
import { rememberedLocale } from './words/language.ts';
import { followAddress } from './store/route.ts';
import { restore } from './store/session.ts';
import { use } from './words/texts.ts';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
restore();
await use(pickLocale([rememberedLocale(), ...navigator.languages]));
followAddress();
render(() => <App />, root);
