import { createEffect, createSignal, For, Match, on, onMount, Show, Switch, type JSX } from 'solid-js';
import type { Hit as Found, Hits as Page } from '../../api/rest.ts';
import { call } from '../../ui/rest.ts';
import { clock, exact } from '../../ui/format.ts';
import { Icon } from '../../ui/Icon.tsx';
import { explain } from '../words/errors.ts';
import { inboxHref } from '../store/address.ts';
import { visitorName } from '../words/names.ts';
import { useDesk } from '../store/desk.ts';
import { locale, t } from '../words/texts.ts';
import { cutAround } from './excerpt.ts';
import s from './search.module.css';

type State =
  | { readonly is: 'idle' | 'busy' }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'done'; readonly items: readonly Found[]; readonly next: string | null; readonly asOf: number };

const PAUSE_MS = 250;

export default function Search(): JSX.Element {
  const desk = useDesk();
  const contactOf = (hit: Found): string | undefined =>
    hit.actor_kind === 'visitor' ? hit.actor : desk.views.heads[hit.conv]?.contact?.id;
  const [query, setQuery] = createSignal('');
  const [state, setState] = createSignal<State>({ is: 'idle' });
  let field!: HTMLInputElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  const find = async (before: string | null): Promise<void> => {
    const mine = (asked += 1);
    const known = state();
    const items = before !== null && known.is === 'done' ? known.items : [];
    if (before === null) setState({ is: 'busy' });
    try {
      const after = before === null ? '' : `&before=${encodeURIComponent(before)}`;
      const page = await call<Page>('GET', `search/messages?q=${encodeURIComponent(query().trim())}${after}`);
      if (mine === asked) setState({ is: 'done', items: [...items, ...page.items], next: page.next, asOf: page.as_of });
    } catch (error) {
      if (mine === asked) setState({ is: 'failed', why: explain(error) });
    }
  };
  createEffect(
    on(query, (text) => {
      clearTimeout(timer);
      asked += 1;
      if (text.trim() === '') setState({ is: 'idle' });
      else timer = setTimeout(() => void find(null), PAUSE_MS);
    }),
  );
  onMount(() => field.focus());
  const as = <K extends State['is']>(is: K): Extract<State, { is: K }> | undefined => {
    const now = state();
    return now.is === is ? (now as Extract<State, { is: K }>) : undefined;
  };

  return (
    <div class={s['page']}>
      <header class="head">
        <h1>{t('page.search')}</h1>
      </header>
      <form class={s['bar']} role="search" onSubmit={(event) => (event.preventDefault(), void find(null))}>
        <Icon name="search" />
        <input
          ref={field}
          class={s['field']}
          type="search"
          maxlength={200}
          data-testid="search"
          aria-label={t('search.label')}
          placeholder={t('search.label')}
          value={query()}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </form>
      <div class={s['results']} aria-live="polite" aria-busy={state().is === 'busy'}>
        <Switch>
          <Match when={state().is === 'idle'}>
            <div class="empty">
              <h2>{t('search.idle')}</h2>
              <p>{t('search.idle_hint')}</p>
            </div>
          </Match>
          <Match when={as('failed')}>
            {(failed) => (
              <div class="empty">
                <h2>{t('search.failed')}</h2>
                <p>{failed().why}</p>
                <button class="btn" type="button" onClick={() => void find(null)}>
                  {t('retry')}
                </button>
              </div>
            )}
          </Match>
          <Match when={as('done')}>
            {(done) => (
              <Show
                when={done().items.length > 0}
                fallback={
                  <div class="empty">
                    <h2>{t('search.nothing', { query: query() })}</h2>
                    <p>{t('search.nothing_hint')}</p>
                  </div>
                }
              >
                <ol class={s['hits']}>
                  <For each={done().items}>
                    {(hit) => (
                      <li>
                        <a class={s['hit']} href={inboxHref('all', hit.conv, hit.seq)} data-testid="hit" data-seq={hit.seq}>
                          <span class={s['who']}>
                            <b>{visitorName(hit.contact_name, contactOf(hit))}</b>
                            <Show when={hit.actor_kind === 'agent'}>
                              <span>
                                {' '}
                                ← {desk.colleagues.nameOf(hit.actor)}
                              </span>
                            </Show>
                          </span>
                          <time>
                            {exact(hit.at, locale())}
                          </time>
                          <span class={s['text']}>
                            <For each={cutAround(hit.text, query().trim())}>
                              {(part) => (
                                <Show when={part.isHit} fallback={part.text}>
                                  <mark>{part.text}</mark>
                                </Show>
                              )}
                            </For>
                          </span>
                        </a>
                      </li>
                    )}
                  </For>
                </ol>
                <footer class={s['foot']}>
                  <span>
                    {t('search.as_of', { time: clock(done().asOf, locale()) })}
                  </span>
                  <Show when={done().next}>
                    {(next) => (
                      <button class="btn" type="button" onClick={() => void find(next())}>
                        {t('search.more')}
                      </button>
                    )}
                  </Show>
                </footer>
              </Show>
            )}
          </Match>
        </Switch>
      </div>
    </div>
  );
}
