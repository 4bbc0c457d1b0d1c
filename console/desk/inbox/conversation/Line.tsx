import { createMemo, createSignal, For, lazy, Match, Show, Suspense, Switch, type JSX } from 'solid-js';
import type { MessageKind } from '../../../client/index.ts';
import { fileUrl } from '../../../ui/rest.ts';
import { Body, type BodyTexts, type Quote } from '../../../ui/Body.tsx';
import { clock, day, exact } from '../../../ui/format.ts';
import { Icon } from '../../../ui/Icon.tsx';
import type { Line } from '../../../ui/layout.ts';
import { Ticks } from '../../../ui/Ticks.tsx';
import { messageWith, type Fact, type Message } from '../../../ui/thread.ts';
import { outcomeOf, type Outcome, type State } from '../../channels/delivery.ts';
import { isProvider } from '../../channels/known.ts';
import { doubtOf } from '../../channels/mail.ts';
import { inWords, lostInWords } from '../../channels/reasons.ts';
import { channelName, reason } from '../../channels/words.ts';
import { sentence } from '../../words/errors.ts';
import { factText } from '../../words/names.ts';
import { inboxHref, type View } from '../../store/address.ts';
import { useDesk } from '../../store/desk.ts';
import { locale, t } from '../../words/texts.ts';
import { Changes } from './Changes.tsx';
import { Menu } from './Menu.tsx';
import s from './line.module.css';
import { authorOf, excerptOf, isOurs as isOursOf } from '../said.ts';

const Original = lazy(() => import('./Original.tsx'));
const PICTURE_PX = 260;
/** Number of consecutive system events from which on they are collapsed. */
const FACTS_SHOWN = 3;

export function LineView(props: {
  readonly line: Line;
  readonly conv: string;
  readonly name: string;
  readonly view: View;
  readonly isTarget: (message: Message) => boolean;
  /** Scrolls to the message of this id, loading older ones if needed. */
  readonly onSeek: (id: string) => void;
}): JSX.Element {
  const as = <K extends Line['is']>(is: K): Extract<Line, { is: K }> | undefined =>
    props.line.is === is ? (props.line as Extract<Line, { is: K }>) : undefined;
  return (
    <Switch>
      <Match when={as('day')}>{(line) => <p class={s['day']}>{day(line().at, Date.now(), locale())}</p>}</Match>
      <Match when={as('fresh')}>{(line) => <p class={s['fresh']}>{t('log.fresh', { n: line().count })}</p>}</Match>
      <Match when={as('facts')}>{(line) => <Facts facts={line().facts} />}</Match>
      <Match when={as('message')}>
        {(line) => (
          <MessageView
            message={line().message}
            conv={props.conv}
            name={props.name}
            isFirst={line().first}
            isLast={line().last}
            view={props.view}
            isTarget={props.isTarget(line().message)}
            onSeek={props.onSeek}
          />
        )}
      </Match>
    </Switch>
  );
}

function Facts(props: { readonly facts: readonly Fact[] }): JSX.Element {
  const desk = useDesk();
  const [isOpen, setOpen] = createSignal(false);
  const isFolded = (): boolean => props.facts.length > FACTS_SHOWN && !isOpen();
  return (
    <div class={s['facts']}>
      <Show when={props.facts.length > FACTS_SHOWN}>
        <button type="button" class={s['fold']} aria-expanded={isOpen()} onClick={() => setOpen((open) => !open)}>
          {t('fact.folded', { n: props.facts.length })}
          <Show when={isFolded() && props.facts.at(-1)}>{(last) => <>: {factText(last().event, desk.colleagues.nameOf)}</>}</Show>
        </button>
      </Show>
      <Show when={!isFolded()}>
        <For each={props.facts}>
          {(fact) => (
            <p class={s['fact']} data-testid="fact" data-seq={fact.seq} data-kind={fact.event.type}>
              {factText(fact.event, desk.colleagues.nameOf)} <time title={exact(fact.at, locale())}>{clock(fact.at, locale())}</time>
            </p>
          )}
        </For>
      </Show>
    </div>
  );
}

function MessageView(props: {
  readonly message: Message;
  readonly conv: string;
  readonly name: string;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly view: View;
  readonly isTarget: boolean;
  readonly onSeek: (id: string) => void;
}): JSX.Element {
  const desk = useDesk();
  const thread = desk.threads.of(props.conv);
  const [isOriginal, setOriginal] = createSignal(false);
  const isOurs = (): boolean => isOursOf(props.message);
  const entry = () => desk.connection.entries.find((one) => one.id === props.message.id);
  const channel = (): string => desk.views.heads[props.conv]?.channel ?? props.message.deliveries[0]?.event.channel ?? '';
  const outcome = createMemo((): Outcome => {
    const told = outcomeOf(props.message, thread().marks, entry());
    const isLost = told.state === 'stored' && isOurs() && isProvider(channel()) && desk.channels.isRemoved(desk.views.heads[props.conv]?.inbox ?? '');
    return isLost && !props.message.note ? { state: 'held', error: { code: 'inbox.removed', text: '' } } : told;
  });
  const state = (): State => outcome().state;
  /** Partial delivery: shown under the message even within a group. */
  const isPartly = (): boolean => outcome().error?.code === 'channel.partly';
  const isTold = (): boolean => isPartly() || ['waiting', 'held', 'again', 'unknown', 'failed'].includes(state());
  const standing = (): string => {
    if (state() === 'held') return t('delivery.held', { reason: reason(channel(), desk.channels.of(channel()), outcome().error) });
    if (state() === 'stored' && isProvider(channel())) return t('delivery.going');
    if (isPartly()) return t('delivery.partly', { text: inWords(channel(), outcome().error?.text ?? '') });
    return t(`delivery.${state()}`, { channel: channelName(channel()) });
  };
  const again = (): void => {
    const said = props.message;
    desk.client.send({
      conv: props.conv,
      text: said.text,
      kind: said.kind as MessageKind,
      attachments: said.attachments,
      note: false,
      replyTo: said.replyTo,
      answerTo: said.answerTo,
    });
  };
  const author = (): string => authorOf(desk, props.message, props.name);
  const withdrawnBy = (): string => {
    const by = props.message.recalledBy;
    if (by === null) return t('message.recalled');
    if (by.kind === 'agent' && by.id === desk.me.id) return t('message.withdrawn_you');
    return t('message.withdrawn', { name: authorOf(desk, { by }, props.name) });
  };
  const quote = (): Quote | undefined => {
    const id = props.message.replyTo;
    if (id === '') return undefined;
    const original = messageWith(thread(), id);
    const show = (): void => props.onSeek(id);
    return original === undefined
      ? { name: '', text: t('quote.earlier'), show }
      : { name: authorOf(desk, original, props.name), text: excerptOf(original), show };
  };
  const texts: BodyTexts = {
    picture: (name) => t('message.picture', { name }),
    lost: (name) => lostInWords(channel(), name),
    get recalled() {
      return withdrawnBy();
    },
    get edited() {
      return t('message.edited');
    },
  };
  const failure = (): string => {
    const unsent = entry();
    if (unsent?.error) return sentence(unsent.error.code, unsent.error.message);
    return props.message.error || reason(channel(), desk.channels.of(channel()), outcome().error);
  };
  const body = (
    <Body
      message={props.message}
      wide={PICTURE_PX}
      texts={texts}
      quote={quote()}
      locale={locale()}
      isFirst={props.isFirst}
      onOriginal={props.message.hasOriginal ? () => setOriginal(true) : undefined}
      files={(seq, n) => () => fileUrl(props.conv, seq, n)}
    />
  );
  return (
    <article
      class={props.message.note ? s['note'] : s['group']}
      classList={{ [s['first'] ?? '']: props.isFirst, [s['target'] ?? '']: props.isTarget }}
      data-testid="message"
      data-seq={props.message.seq}
      data-id={props.message.id}
      data-kind={props.message.kind}
      data-by={props.message.by.kind}
      data-side={isOurs() && !props.message.note ? 'me' : 'them'}
      data-state={isOurs() ? state() : undefined}
    >
      <Show when={props.isFirst || props.message.note || doubtOf(props.message.context)}>
        <header>
          <Show when={props.message.note}>
            <Icon name="lock" />
          </Show>
          <b>{author()}</b>
          <Show when={doubtOf(props.message.context)}>
            {(doubt) => (
              <span class={s['doubt']} data-testid="doubt" title={props.message.context['from']}>
                {t(doubt())}
              </span>
            )}
          </Show>
          <time title={exact(props.message.at, locale())}>{clock(props.message.at, locale())}</time>
          <Show when={props.message.note}>
            <span class={s['unseen']}>{t('note.unseen')}</span>
          </Show>
        </header>
      </Show>
      <Show when={props.message.subject}>
        <p class={s['subject']}>{props.message.subject}</p>
      </Show>
      <div class={s['said']}>
        {body}
        <Show when={props.message.kind === 'unsupported' && props.message.attachments.length > 0}>
          <p class={s['meta']}>{t('message.unsupported')}</p>
        </Show>
        <Show when={props.message.hasOriginal && !props.message.recalled && !props.message.data['hidden']}>
          <p class={s['meta']}>
            <button type="button" data-testid="mail-show" onClick={() => setOriginal(true)}>
              {t('mail.show')}
            </button>
          </p>
        </Show>
        <Show when={props.message.seq > 0}>
          <div class={s['tools']}>
            <button
              type="button"
              class="ib"
              aria-label={t('message.reply')}
              title={t('message.reply')}
              data-testid="quote-reply"
              onClick={() => desk.drafts.keep(props.conv, { answers: props.message.id })}
            >
              <Icon name="reply" />
            </button>
            <Show when={props.message.by.kind === 'agent' && props.message.by.id === desk.me.id && !props.message.recalled}>
              <Menu message={props.message} conv={props.conv} />
            </Show>
            <a
              href={inboxHref(props.view, props.conv, props.message.seq)}
              title={`${t('message.link')}: ${exact(props.message.at, locale())} #${props.message.seq}`}
            >
              {clock(props.message.at, locale())}
            </a>
          </div>
        </Show>
      </div>
      <Changes message={props.message} channel={channel()} />
      <Show when={isOurs() && (isTold() || (props.isLast && !props.message.note))}>
        <p class={s['meta']} data-bad={state() === 'failed' ? '' : undefined} data-held={state() === 'held' || state() === 'unknown' || isPartly() ? '' : undefined}>
          <Show when={state() === 'failed'}>
            <span>{failure()}</span>
            <Show when={entry()}>
              {(unsent) => (
                <>
                  <button type="button" data-testid="retry" onClick={() => desk.client.retry(unsent().id)}>
                    {t('retry')}
                  </button>
                  <button type="button" data-testid="discard" onClick={() => desk.client.discard(unsent().id)}>
                    {t('discard')}
                  </button>
                </>
              )}
            </Show>
          </Show>
          <Show when={state() !== 'failed'}>
            <span>{standing()}</span>
          </Show>
          <Show when={state() === 'unknown'}>
            <button type="button" data-testid="resend" onClick={again}>
              {t('resend')}
            </button>
          </Show>
          <Ticks state={state()} label={state() === 'failed' ? t('delivery.failed') : ''} />
        </p>
      </Show>
      <Show when={isOriginal()}>
        <Suspense>
          <Original conv={props.conv} seq={props.message.seq} subject={props.message.subject} onClose={() => setOriginal(false)} />
        </Suspense>
      </Show>
    </article>
  );
}
