import { createMemo, Show, type JSX } from 'solid-js';
import { age, count, stopwatch, timeOrDay } from '../../../ui/format.ts';
import { ChannelGlyph } from '../../../ui/Icon.tsx';
import { eventText, visitorInitial, visitorName } from '../../words/names.ts';
import { now } from '../../store/now.ts';
import type { View } from '../../store/address.ts';
import { useDesk } from '../../store/desk.ts';
import { heard } from '../../store/views.ts';
import { channelName } from '../../channels/words.ts';
import { locale, t } from '../../words/texts.ts';
import s from './row.module.css';
import { excerptOf } from '../said.ts';
import { unreadOf } from '../../store/unread.ts';

export function Row(props: {
  readonly conv: string;
  readonly view: View;
  readonly isSelected: boolean;
  readonly isActive: boolean;
  readonly onOpen: () => void;
}): JSX.Element {
  const desk = useDesk();
  const thread = desk.threads.of(props.conv);
  const head = createMemo(() => {
    const known = desk.views.heads[props.conv];
    return known === undefined ? undefined : heard(known, thread().items);
  });
  const name = (): string => visitorName(head()?.contact?.name, head()?.contact?.id);
  const fresh = createMemo(() => unreadOf(desk, props.conv));
  const line = (): string => {
    const last = head()?.last;
    if (!last) return t('row.no_message');
    const text = last.kind === 'event' ? eventText(last.text ?? '') : excerptOf({ text: last.text ?? '', kind: last.kind ?? 'text', recalled: last.recalled === true });
    return last.by.kind === 'agent' && last.by.id !== desk.me.id && last.by.name ? `${last.by.name}: ${text}` : text;
  };
  const waits = (): string => {
    const one = head();
    if (one === undefined) return '';
    if (one.status === 'resolved') return t('row.resolved');
    // Fields at their default aren't sent: a missing status is `queued`.
    if ((one.status ?? 'queued') === 'queued') return t('row.waits', { time: stopwatch((now() - (one.queue?.at ?? one.opened_at ?? now())) / 1000) });
    if (!one.waiting_since) return t('row.on_customer');
    return t('row.waits', { time: stopwatch((now() - one.waiting_since) / 1000) });
  };
  const when = (): string => {
    const at = head()?.last?.at ?? head()?.opened_at ?? 0;
    const ago = age(at, now());
    return ago.unit === 'minutes' || ago.unit === 'now' ? t(`age.${ago.unit}`, { n: ago.n }) : timeOrDay(at, now(), locale());
  };
  return (
    <div
      id={`row-${props.conv}`}
      class={s['row']}
      classList={{ [s['unread'] ?? '']: fresh().isUnread, [s['active'] ?? '']: props.isActive }}
      role="option"
      aria-selected={props.isSelected}
      data-testid="row"
      data-conv={props.conv}
      onClick={() => props.onOpen()}
      onPointerEnter={() => desk.threads.open(props.conv)}
    >
      <span class="av">
        <span aria-hidden="true">{visitorInitial(head()?.contact?.name, head()?.contact?.id)}</span>
        <ChannelGlyph channel={head()?.channel ?? 'web'} label={channelName(head()?.channel ?? 'web')} class="ch" />
      </span>
      <div class={s['m']}>
        <div class={s['l']}>
          <b class="cut grow">{name()}</b>
          <Show when={props.view === 'all' && head()?.agent}>
            {(agent) => <span class={`tag ${s['owner']}`}>{agent() === desk.me.id ? t('you') : desk.colleagues.nameOf(agent())}</span>}
          </Show>
          <span class={s['wait']} data-hot={head()?.waiting_since || !head()?.agent ? '' : undefined}>
            {waits()}
          </span>
        </div>
        <div class={s['l']}>
          <p class={`${s['last']} cut grow`}>
            <Show when={desk.drafts.beginning(props.conv)} fallback={line()}>
              {(draft) => (
                <>
                  <span class={s['draft']}>{t('row.draft')}</span> {draft()}
                </>
              )}
            </Show>
          </p>
          <time class={s['age']}>{when()}</time>
          <Show when={fresh().isUnread}>
            <span class={fresh().count > 0 ? 'n' : 'n bare'} aria-label={t('row.unread', { n: Math.max(1, fresh().count) })}>
              {fresh().count > 0 ? count(fresh().count) : ''}
            </span>
          </Show>
        </div>
      </div>
    </div>
  );
}
