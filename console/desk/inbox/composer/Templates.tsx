import { Dialog } from '@kobalte/core/dialog';
import { createMemo, createSignal, For, Match, Show, Switch, type JSX } from 'solid-js';
import { call } from '../../../ui/rest.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { restoresFocus } from '../../common/restoreFocus.ts';
import { t } from '../../words/texts.ts';
import { createAsked } from '../../common/asked.ts';
import { Filling } from './Filling.tsx';
import { inWords } from '../../channels/reasons.ts';
import { matching, type Template } from '../../channels/template.ts';
import s from './templates.module.css';
import { Ghosts } from '../../common/Trouble.tsx';

/** Number of templates from which on a search field is shown. */
const MANY = 7;

/** Dialog of approved templates: choose one, fill its places, send. */
export default function Templates(props: {
  readonly conv: string;
  readonly inbox: string;
  readonly channel: string;
  readonly onClose: () => void;
}): JSX.Element {
  restoresFocus();
  const asked = createAsked(async () => (await call<{ items: Template[] }>('GET', `inboxes/${props.inbox}/templates`)).items);
  const [chosen, setChosen] = createSignal<Template>();
  const [sought, setSought] = createSignal('');
  const found = createMemo(() => matching(asked.value() ?? [], sought()));
  return (
    <Dialog open onOpenChange={(open) => open || props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay class="scrim" />
        <Dialog.Content class="over" data-testid="templates">
          <header class="head">
            <Show when={chosen()}>
              <button class="ib" type="button" aria-label={t('template.back')} onClick={() => setChosen(undefined)}>
                <Icon name="back" />
              </button>
            </Show>
            <Dialog.Title as="h2" class="cut grow">
              {chosen()?.name ?? t('template.choose')}
            </Dialog.Title>
            <Dialog.CloseButton class="ib" aria-label={t('close')}>
              <Icon name="close" />
            </Dialog.CloseButton>
          </header>
          <Switch>
            <Match when={asked.problem()}>
              {(problem) => (
                <div class={s['trouble']} role="alert">
                  <p>{inWords(props.channel, problem())}</p>
                  <button class="btn" type="button" onClick={asked.again}>
                    {t('retry')}
                  </button>
                </div>
              )}
            </Match>
            <Match when={asked.isSlow()}>
              <Ghosts />
            </Match>
            <Match when={chosen()} keyed>
              {(one) => <Filling template={one} conv={props.conv} channel={props.channel} onSent={props.onClose} />}
            </Match>
            <Match when={asked.value()?.length === 0}>
              <p class={s['trouble']}>{t('template.none')}</p>
            </Match>
            <Match when={asked.value()}>
              <Show when={(asked.value()?.length ?? 0) >= MANY}>
                <div class={s['search']}>
                  <input
                    class="field"
                    type="search"
                    aria-label={t('template.search')}
                    placeholder={t('template.search')}
                    value={sought()}
                    onInput={(event) => setSought(event.currentTarget.value)}
                  />
                </div>
              </Show>
              <ul class={s['list']}>
                <For each={found()}>
                  {(one) => (
                    <li>
                      <button type="button" class={s['one']} data-testid="template" onClick={() => setChosen(one)}>
                        <b>{one.name}</b> <span class="tag">{one.language}</span>
                        <span class={s['text']}>{one.text}</span>
                      </button>
                    </li>
                  )}
                </For>
              </ul>
            </Match>
          </Switch>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
