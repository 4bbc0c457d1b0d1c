import { createMemo, Show, type JSX } from 'solid-js';
import { exact } from '../../ui/format.ts';
import { ChannelGlyph, Icon } from '../../ui/Icon.tsx';
import { visitorInitial, visitorName } from '../words/names.ts';
import { useDesk } from '../store/desk.ts';
import { standing } from '../store/standing.ts';
import { channelName } from '../channels/words.ts';
import { locale, t } from '../words/texts.ts';
import s from './contact.module.css';

/** Contact pane: identity, source (as the visitor's browser sent it) and conversation. */
export function Contact(props: { readonly conv: string; readonly onClose: () => void }): JSX.Element {
  const desk = useDesk();
  const thread = desk.threads.of(props.conv);
  const stand = createMemo(() => standing(desk.views.heads[props.conv], thread()));
  const name = (): string => visitorName(stand().contactName, stand().contact);
  const language = (): string => {
    const tag = stand().source.locale;
    if (!tag) return '';
    try {
      return new Intl.DisplayNames([locale()], { type: 'language' }).of(tag) ?? tag;
    } catch {
      return tag; // not a language tag
    }
  };
  const page = (): string => stand().source.page ?? '';
  const isWeb = (): boolean => /^https?:\/\//.test(page());
  return (
    <aside class={s['contact']} data-part="contact" data-pane tabindex="-1" aria-label={t('contact.title')}>
      <header class="head">
        <span class="av s" aria-hidden="true">
          {visitorInitial(stand().contactName, stand().contact)}
        </span>
        <h2 class="cut grow">{name()}</h2>
        <button class={`ib ${s['close']}`} type="button" aria-label={t('close')} onClick={() => props.onClose()}>
          <Icon name="close" />
        </button>
      </header>
      <section>
        <h3>{t('contact.identity')}</h3>
        <p class={s['line']}>
          <ChannelGlyph channel={stand().channel} class="ch" />
          <span class="cut">{channelName(stand().channel)}</span>
          <span class={s['end']}>{desk.channels.inboxName(stand().inbox)}</span>
        </p>
      </section>
      <Show when={page() || language() || stand().source.referrer || stand().source.device}>
        <section>
          <h3>{t('contact.source')}</h3>
          <dl class={s['pairs']}>
            <Show when={page()}>
              <dt>{t('contact.page')}</dt>
              <dd class="cut" title={page()}>
                <Show when={isWeb()} fallback={page()}>
                  <a class={s['link']} href={page()} target="_blank" rel="noopener noreferrer nofollow">
                    {page().replace(/^https?:\/\//, '')}
                  </a>
                </Show>
              </dd>
            </Show>
            <Show when={stand().source.referrer}>
              {(referrer) => (
                <>
                  <dt>{t('contact.referrer')}</dt>
                  <dd class="cut">{referrer()}</dd>
                </>
              )}
            </Show>
            <Show when={language()}>
              <dt>{t('contact.language')}</dt>
              <dd class="cut">{language()}</dd>
            </Show>
            <Show when={stand().source.device}>
              {(device) => (
                <>
                  <dt>{t('contact.device')}</dt>
                  <dd class="cut" title={device()}>
                    {device()}
                  </dd>
                </>
              )}
            </Show>
          </dl>
        </section>
      </Show>
      <section>
        <h3>{t('contact.conversation')}</h3>
        <dl class={s['pairs']}>
          <dt>{t('contact.status')}</dt>
          <dd>{t(`status.${stand().status}`)}</dd>
          <Show when={stand().agent}>
            {(agent) => (
              <>
                <dt>{t('contact.agent')}</dt>
                <dd class="cut">{desk.colleagues.nameOf(agent())}</dd>
              </>
            )}
          </Show>
          <Show when={stand().openedAt}>
            {(at) => (
              <>
                <dt>{t('contact.opened')}</dt>
                <dd>{exact(at(), locale())}</dd>
              </>
            )}
          </Show>
          <dt>{t('contact.number')}</dt>
          <dd class={`cut ${s['code']}`} title={props.conv}>
            {props.conv}
          </dd>
        </dl>
      </section>
    </aside>
  );
}
