import '../ui/tokens.css';
import '../ui/base.css';
import './parts.css';
import { render } from 'solid-js/web';
import { pickLocale } from '../client/i18n.ts';
import { App } from './App.tsx';
import { rememberedLocale } from './language.ts';
import { restore } from './session.ts';
import { use } from './texts.ts';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
restore();
await use(pickLocale([rememberedLocale(), ...navigator.languages]));
render(() => <App />, root);
