import { Dialog } from '@kobalte/core/dialog';
import { createMemo, createSignal, For, Match, Show, Switch, type JSX } from 'solid-js';
import { call, uuid7 } from '../../client/index.ts';
import { Icon } from '../../ui/Icon.tsx';
import { explain } from '../errors.ts';
import { givesFocusBack } from '../givesBack.ts';
import { t } from '../texts.ts';
import { createAsked } from './asked.ts';
import { inWords } from './reasons.ts';
import { filled, matching, type Template } from './template.ts';
import s from './templates.module.css';
import { Ghosts } from './Trouble.tsx';

/** From so many on they can be searched. */
const MANY = 7;

/** The texts that a platform has approved: one is chosen, its places are filled in, and it is sent. */
export default function Templates(props: {
  readonly conv: string;
  readonly inbox: string;
  readonly channel: string;
  readonly onClose: () => void;
}): JSX.Element {
  givesFocusBack();
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
              {(one) => <Filling template={one} conv={props.conv} onSent={props.onClose} />}
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

/** One template: a line for each of its places, and what the customer will read. */
function Filling(props: { readonly template: Template; readonly conv: string; readonly onSent: () => void }): JSX.Element {
  // The same at every try: it is sent once.
  const id = uuid7();
  const [values, setValues] = createSignal<readonly string[]>(props.template.places.map(() => ''));
  const [problem, setProblem] = createSignal('');
  const [isBusy, setBusy] = createSignal(false);
  const isReady = (): boolean => values().every((value) => value.trim() !== '') && !isBusy();
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isReady()) return;
    setBusy(true);
    setProblem('');
    try {
      const one = props.template;
      const given = values().map((value) => value.trim());
      await call('POST', `conversations/${props.conv}/template`, { id, name: one.name, language: one.language, values: given });
      props.onSent();
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };
  return (
    <form class={s['filling']} onSubmit={(event) => void send(event)}>
      <For each={props.template.places}>
        {(place, n) => (
          <label>
            <span>{t('template.place', { place })}</span>
            <input
              class="field"
              type="text"
              maxlength={1024}
              autocomplete="off"
              data-testid={`place-${place}`}
              ref={(box) => n() === 0 && requestAnimationFrame(() => box.focus())}
              onInput={(event) => setValues(values().with(n(), event.currentTarget.value))}
            />
          </label>
        )}
      </For>
      <section aria-label={t('template.preview')}>
        <h3>{t('template.preview')}</h3>
        <p class={s['preview']} data-testid="template-preview">
          {filled(props.template, values())}
        </p>
      </section>
      <Show when={problem()}>
        <p class={s['bad']} role="alert">
          {problem()}
        </p>
      </Show>
      <div class={s['acts']}>
        <button
          class="btn primary"
          type="submit"
          data-testid="template-send"
          disabled={!isReady()}
          ref={(button) => props.template.places.length === 0 && requestAnimationFrame(() => button.focus())}
        >
          {t('template.send')}
        </button>
      </div>
    </form>
  );
}
