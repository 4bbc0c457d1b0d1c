import { For, Match, Show, Switch, type JSX } from 'solid-js';
import { timeOrDay } from '../../../ui/format.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { now } from '../../store/now.ts';
import { locale, t } from '../../words/texts.ts';
import type { Channel } from '../../channels/known.ts';
import s from './limits.module.css';
import { messagesOf, type Kept } from '../../channels/plan.ts';
import { sizeOf } from '../../channels/size.ts';
import type { Room } from '../../channels/window.ts';
import { channelName, phrase, span } from '../../channels/words.ts';

const HOUR_MS = 3_600_000;
/** Time left from which on the countdown turns amber. */
const LATE_MS = 4 * HOUR_MS;
/** Share of the maximum length from which on the length is shown. */
const NEAR = 0.8;

/** Countdown of an open window: "WeChat: 5 h 12 m left, 3 of 5". */
export function Countdown(props: { readonly channel: string; readonly room: Room | null }): JSX.Element {
  const open = (): Room | undefined => (props.room?.isOpen === true ? props.room : undefined);
  const left = (): number => (open()?.untilMs ?? 0) - now();
  const isLate = (): boolean => left() < LATE_MS || open()?.left === 1;
  return (
    <Show when={open()}>
      {(room) => (
        <span class={s['clock']} data-testid="window" data-state={isLate() ? 'late' : 'open'}>
          <Show when={room().left >= 0}>
            <span class={s['bars']} aria-hidden="true">
              <For each={Array.from({ length: room().of })}>
                {(_, n) => <i classList={{ [s['full'] ?? '']: n() < room().left }} />}
              </For>
            </span>
          </Show>
          {room().left >= 0
            ? t('window.open', { channel: channelName(props.channel), time: span(left()), left: room().left, of: room().of })
            : t('window.open_any', { channel: channelName(props.channel), time: span(left()) })}
        </span>
      )}
    </Show>
  );
}

/** Notice of a closed window: reason, since when, and what is still permitted. */
export function Closed(props: {
  readonly channel: string;
  readonly known: Channel | undefined;
  readonly room: Room | null;
  /** Opens the dialog of templates. */
  readonly onTemplate: () => void;
}): JSX.Element {
  const closed = (): Room | undefined => (props.room?.isOpen === false ? props.room : undefined);
  return (
    <Show when={closed()}>
      {(room) => (
        <p class={s['closed']} role="status" data-testid="window" data-state="closed">
          <Icon name="lock" />
          <span>
            <b>
              <Show when={room().closedMs} fallback={t('window.closed', { channel: channelName(props.channel) })}>
                {(at) => t('window.closed_at', { channel: channelName(props.channel), time: timeOrDay(at(), now(), locale()) })}
              </Show>
            </b>{' '}
            {phrase(props.channel, props.known, room().said || room().reason)}{' '}
            {t(room().template ? 'window.permitted_template' : 'window.permitted')}
            <Show when={room().template && props.known?.templates}>
              {' '}
              <button class={s['act']} type="button" data-testid="template-open" onClick={() => props.onTemplate()}>
                {t('template.choose')}
              </button>
            </Show>
          </span>
        </p>
      )}
    </Show>
  );
}

/** Notice that the account was removed: replies are held. */
export function Removed(): JSX.Element {
  return (
    <p class={s['closed']} role="status" data-testid="removed">
      <Icon name="plug" />
      <span>
        <b>{t('window.removed')}</b> {t('window.removed_permitted')}
      </span>
    </p>
  );
}

/** Length of the text near the channel's limit, and the number of messages that text and files are split into. */
export function Lengths(props: {
  readonly channel: Channel | undefined;
  readonly text: string;
  readonly files: readonly Kept[];
  readonly room: Room | null;
}): JSX.Element {
  const size = (): number => (props.channel === undefined ? 0 : sizeOf(props.text, props.channel.text.measure));
  const most = (): number => props.channel?.text.most ?? Number.POSITIVE_INFINITY;
  const count = (): number => (props.channel === undefined ? 1 : messagesOf(props.channel, props.text, props.files));
  const isLong = (): boolean => size() >= most() * NEAR;
  const isTooMany = (): boolean => props.room?.isOpen === true && props.room.left >= 0 && count() > props.room.left;
  const figures = (): Record<string, string> => ({ size: size().toLocaleString(locale()), most: most().toLocaleString(locale()) });
  return (
    <Show when={isLong() || (count() > 1 && props.channel !== undefined)}>
      <span class={s['length']} role="status" data-testid="length" data-state={isTooMany() ? 'late' : undefined}>
        <Show when={isLong() && props.channel}>{(channel) => <>{t(`length.${channel().text.measure}`, figures())} </>}</Show>
        <Switch>
          <Match when={isTooMany()}>{t('length.too_many', { n: count(), left: props.room?.left ?? 0 })}</Match>
          <Match when={count() > 1}>{t('length.parts', { n: count() })}</Match>
        </Switch>
      </span>
    </Show>
  );
}
