import { createResource, ErrorBoundary, lazy, Match, onCleanup, Show, Suspense, Switch, type JSX } from 'solid-js';
import { createDesk, DeskProvider } from './store/desk.ts';
import { Join } from './entrance/Join.tsx';
import { SignIn } from './entrance/SignIn.tsx';
import { route } from './store/route.ts';
import { restore, session, type Identity } from './store/session.ts';
import { Shell } from './shell/Shell.tsx';
import { t } from './words/texts.ts';
import { Toasts } from './shell/Toasts.tsx';
import { Inbox } from './inbox/Inbox.tsx';

const Search = lazy(() => import('./search/Search.tsx'));
const Overview = lazy(() => import('./reports/Overview.tsx'));
const Settings = lazy(() => import('./settings/Settings.tsx'));
const Reset = lazy(() => import('./entrance/Reset.tsx'));

export function App(): JSX.Element {
  const joining = () => {
    const at = route();
    return at.page === 'join' ? at : undefined;
  };
  const resetting = () => {
    const at = route();
    return at.page === 'reset' ? at : undefined;
  };
  const who = () => {
    const now = session();
    return now.is === 'in' ? now.who : undefined;
  };
  const unreachable = () => {
    const now = session();
    return now.is === 'unreachable' ? now : undefined;
  };
  return (
    <>
      <Switch>
        <Match when={joining()}>{(at) => <Join token={at().token} />}</Match>
        <Match when={resetting()}>
          {(at) => (
            <Suspense>
              <Reset token={at().token} />
            </Suspense>
          )}
        </Match>
        <Match when={session().is === 'out'}>
          <SignIn />
        </Match>
        <Match when={unreachable()}>
          {(now) => (
            <main class="empty whole" data-testid="away">
              <h1>{t(now().isHeld ? 'connection.held' : 'error.unreachable')}</h1>
              <p role="status">{t('away.hint')}</p>
              <button class="btn" type="button" onClick={restore}>
                {t('retry')}
              </button>
            </main>
          )}
        </Match>
        <Match when={who()} keyed>
          {(identity) => <SignedIn who={identity} />}
        </Match>
      </Switch>
      <Toasts />
    </>
  );
}

function SignedIn(props: { readonly who: Identity }): JSX.Element {
  const [desk] = createResource(() => props.who, createDesk);
  onCleanup(() => desk.latest?.dispose());
  return (
    <Show when={desk()}>
      {(ready) => (
        <DeskProvider value={ready()}>
          <Shell>
            <ErrorBoundary fallback={(error: unknown) => <Broken error={error} />}>
              <Suspense>
                <Switch>
                  <Match when={route().page === 'inbox'}>
                    <Inbox />
                  </Match>
                  <Match when={route().page === 'search'}>
                    <Search />
                  </Match>
                  <Match when={route().page === 'overview'}>
                    <Overview />
                  </Match>
                  <Match when={route().page === 'settings' || route().page === 'channels'}>
                    <Settings />
                  </Match>
                </Switch>
              </Suspense>
            </ErrorBoundary>
          </Shell>
        </DeskProvider>
      )}
    </Show>
  );
}

/** Error boundary of a page: its lazy chunk is gone (a newer build is served) or it threw; a reload mends it. */
function Broken(props: { readonly error: unknown }): JSX.Element {
  console.error('trunkline:', props.error);
  return (
    <div class="empty" role="alert">
      <h2>{t('error.page')}</h2>
      <p>{t('error.page_hint')}</p>
      <button class="btn" type="button" onClick={() => location.reload()}>
        {t('connection.reload')}
      </button>
    </div>
  );
}
