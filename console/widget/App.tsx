import { createEffect, createMemo, createSignal, onCleanup, Show, type JSX } from 'solid-js';
import { initial } from '../ui/format.ts';
import { Icon } from '../ui/Icon.tsx';
import { persist, type Trying } from '../ui/persist.ts';
import { isHeldUp } from '../ui/unsent.ts';
import type { InboxInfo } from './info.ts';
import type { Place } from './place.ts';
import { t } from './texts.ts';
import type { Visitor } from './visitor.ts';

export function App(props: { readonly place: Place; readonly info: InboxInfo }): JSX.Element {
  const [ready, setReady] = createSignal<{ visitor: Visitor; Chat: typeof import('./Chat.tsx').Chat } | null>(null);
  const [hasFailed, setFailed] = createSignal(false);
  let trying: Trying | undefined;
  const begin = async (): Promise<boolean> => {
    try {
      const [{ meet }, { Chat }] = await Promise.all([import('./visitor.ts'), import('./Chat.tsx')]);
      setReady({ visitor: await meet(props.place), Chat });
      return true;
    } catch (error) {
      console.warn('trunkline:', error);
      setFailed(true);
      return false;
    }
  };
  onCleanup(() => trying?.stop());
  // Nobody becomes a visitor before they open the window, or have been one before.
  const isWanted = createMemo(() => props.place.isOpen() || props.place.token() !== '');
  createEffect(() => isWanted() && (trying ??= persist(begin)));
  const agent = (): string => ready()?.visitor.agentName() ?? '';
  /** Connected, and what is written goes. */
  const isLive = (): boolean => ready()?.visitor.link().name === 'live' && !isHeldUp(ready()?.visitor.entries() ?? []);
  return (
    <div
      class="w"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.isComposing) props.place.tell({ t: 'close' });
      }}
    >
      <header class="top">
        <span class="face" aria-hidden="true">
          {initial(agent() || props.info.name)}
        </span>
        <div class="grow">
          <h1 class="cut">{agent() || props.info.name}</h1>
          <p class="cut">
            <span class={isLive() ? 'on' : 'off'} />
            {agent() ? `${props.info.name} · ` : ''}
            {isLive() ? t('live') : t('connecting')}
          </p>
        </div>
        <Show when={!props.place.isHosted}>
          <button class="t44" type="button" aria-label={t('close')} data-testid="widget-close" onClick={() => props.place.tell({ t: 'close' })}>
            <Icon name="close" />
          </button>
        </Show>
      </header>
      <Show
        when={ready()}
        keyed
        fallback={
          <div class="hello">
            <h2>{props.info.greeting || t('greeting')}</h2>
            <p role="status" data-testid="widget-away" data-state={hasFailed() ? 'failed' : 'connecting'}>
              {hasFailed() ? `${t('error.unreachable')} ${t('error.again')}` : t('connecting')}
            </p>
          </div>
        }
      >
        {(one) => <one.Chat visitor={one.visitor} place={props.place} info={props.info} />}
      </Show>
    </div>
  );
}

export function Unavailable(props: { readonly isMissing: boolean; readonly place: Place; readonly onRetry: () => void }): JSX.Element {
  return (
    <div class="w">
      <header class="top">
        <h1 class="grow">{t('title')}</h1>
        <Show when={!props.place.isHosted}>
          <button class="t44" type="button" aria-label={t('close')} onClick={() => props.place.tell({ t: 'close' })}>
            <Icon name="close" />
          </button>
        </Show>
      </header>
      <div class="hello">
        <h2>{t(props.isMissing ? 'error.missing' : 'error.unreachable')}</h2>
        <Show when={!props.isMissing}>
          <p role="status" data-testid="widget-away" data-state="failed">
            {t('error.again')}
          </p>
          <button class="cta" type="button" onClick={() => props.onRetry()}>
            {t('retry')}
          </button>
        </Show>
      </div>
    </div>
  );
}
