import { createMemo, createSignal, For, Match, Show, Switch, type JSX } from 'solid-js';
import type { Locale } from '../../client/i18n.ts';
import { Text } from '../Text.tsx';
import type { Message } from '../thread.ts';
import s from './data.module.css';
import { drawn, firstOf, leafOf, mapsOf, ownWords, type Card, type Form, type Links, type Order, type Pair, type Place } from './model.ts';
import { nameOf, words } from './texts.ts';

/** Longer values fold to this many characters, longer lists to this many rows. */
const FOLDED = 240;
const ROWS_SHOWN = 8;

/** What a message carries beside its words: who wrote and passed it on above them, cards and facts below. */
export default function DataView(props: {
  readonly message: Message;
  readonly locale: Locale;
  /** Whether it begins a group of one author. */
  readonly isFirst: boolean;
  /** The bubble, of these words. */
  readonly bubble: (text: string) => JSX.Element;
  readonly onOriginal: (() => void) | undefined;
}): JSX.Element {
  const shown = createMemo(() => drawn(props.message.data));
  const own = createMemo(() => ownWords(props.message));
  const t = () => words(props.locale);
  const as = <K extends string, B extends { readonly is: string }>(block: B, is: K) => (block.is === is ? (block as Extract<B, { is: K }>) : undefined);
  return (
    <Show when={shown()} fallback={props.bubble(props.message.text)}>
      {(data) => (
        <>
          <Show when={props.isFirst && data().author}>
            {(name) => (
              <p class={s['author']} data-testid="author">
                {t()('author', { name: name() })}
              </p>
            )}
          </Show>
          <Show when={data().forwardedFrom !== null}>
            <p class={s['small']} data-testid="forwarded">
              {data().forwardedFrom ? t()('forwarded_from', { name: data().forwardedFrom ?? '' }) : t()('forwarded')}
            </p>
          </Show>
          <Show when={data().quoted}>
            {(quoted) => (
              <figure class={s['quoted']} data-testid="quoted">
                <figcaption>{quoted().from ? t()('quoted_from', { name: quoted().from }) : t()('quoted')}</figcaption>
                <Show when={quoted().text}>
                  <blockquote>
                    <Folding text={quoted().text} locale={props.locale} />
                  </blockquote>
                </Show>
              </figure>
            )}
          </Show>
          {props.bubble(own())}
          <For each={data().blocks}>
            {(block) => (
              <Switch>
                <Match when={as(block, 'place')}>{(place) => <PlaceCard place={place()} locale={props.locale} channel={props.message.channel} />}</Match>
                <Match when={as(block, 'form')}>{(form) => <FormCard form={form()} locale={props.locale} />}</Match>
                <Match when={as(block, 'order')}>{(order) => <OrderCard order={order()} locale={props.locale} />}</Match>
                <Match when={as(block, 'card')}>{(card) => <CardView card={card()} locale={props.locale} />}</Match>
                <Match when={as(block, 'links')}>{(links) => <LinkList links={links()} locale={props.locale} />}</Match>
              </Switch>
            )}
          </For>
          <Show when={data().rows.length > 0}>
            <Pairs pairs={data().rows} locale={props.locale} class={s['facts'] ?? ''} testid="data-rows" />
          </Show>
          <Show when={data().isCut}>
            <p class={s['small']} data-testid="data-cut">
              {t()('cut')}
            </p>
          </Show>
          <Show when={data().hidden > 0}>
            <p class={s['small']} data-testid="hidden">
              {t()('hidden', { n: data().hidden })}
              <Show when={props.onOriginal}>
                {(open) => (
                  <button type="button" data-testid="mail-show" onClick={() => open()()}>
                    {t()('show_original')}
                  </button>
                )}
              </Show>
            </p>
          </Show>
        </>
      )}
    </Show>
  );
}

/** A text that is cut where it is long, until somebody asks for all of it. */
function Folding(props: { readonly text: string; readonly locale: Locale }): JSX.Element {
  const [isOpen, setOpen] = createSignal(false);
  const isLong = (): boolean => props.text.length > FOLDED;
  return (
    <>
      <Text text={isLong() && !isOpen() ? `${firstOf(props.text, FOLDED)}…` : props.text} />
      <Show when={isLong() && !isOpen()}>
        <button type="button" class={s['more']} data-testid="data-more" onClick={() => setOpen(true)}>
          {words(props.locale)('more')}
        </button>
      </Show>
    </>
  );
}

/** The first rows of a list, until somebody asks for all of them. */
function Rows<T>(props: { readonly rows: readonly T[]; readonly locale: Locale; readonly list: (rows: readonly T[]) => JSX.Element }): JSX.Element {
  const [isOpen, setOpen] = createSignal(false);
  const shown = (): readonly T[] => (isOpen() || props.rows.length <= ROWS_SHOWN + 1 ? props.rows : props.rows.slice(0, ROWS_SHOWN));
  return (
    <>
      {props.list(shown())}
      <Show when={shown().length < props.rows.length}>
        <button type="button" class={s['more']} data-testid="data-more" onClick={() => setOpen(true)}>
          {words(props.locale)('more_rows', { n: props.rows.length - shown().length })}
        </button>
      </Show>
    </>
  );
}

function Pairs(props: { readonly pairs: readonly Pair[]; readonly locale: Locale; readonly class: string; readonly testid?: string; readonly asAsked?: boolean }): JSX.Element {
  const told = (value: Pair[1]): string => (typeof value === 'boolean' ? words(props.locale)(value ? 'yes' : 'no') : String(value));
  return (
    <Rows
      rows={props.pairs}
      locale={props.locale}
      list={(rows) => (
        <dl class={props.class} data-testid={props.testid}>
          <For each={rows}>
            {([name, value]) => (
              <div>
                <dt>{props.asAsked ? name : nameOf(name, leafOf(name), props.locale)}</dt>
                <dd>
                  <Folding text={told(value)} locale={props.locale} />
                </dd>
              </div>
            )}
          </For>
        </dl>
      )}
    />
  );
}

function Away(props: { readonly href: string; readonly children: JSX.Element; readonly testid?: string }): JSX.Element {
  return (
    <a class={s['link']} href={props.href} target="_blank" rel="noopener noreferrer nofollow" data-testid={props.testid}>
      {props.children}
    </a>
  );
}

function PlaceCard(props: { readonly place: Place; readonly locale: Locale; readonly channel: string }): JSX.Element {
  const t = () => words(props.locale);
  return (
    <section class={s['card']} data-testid="place" aria-label={t()('name.place')}>
      <h4>{props.place.name || t()('name.place')}</h4>
      <Show when={props.place.address}>
        <p>
          <Folding text={props.place.address} locale={props.locale} />
        </p>
      </Show>
      <Show when={props.place.at}>
        {(at) => (
          <p class={s['number']}>
            {at().latitude}, {at().longitude}
          </p>
        )}
      </Show>
      <p class={s['ways']}>
        <For each={mapsOf(props.place, props.locale, props.channel)}>
          {(one) => (
            <Away href={one.href} testid={`map-${one.map}`}>
              {t()(`map.${one.map}`)}
            </Away>
          )}
        </For>
      </p>
    </section>
  );
}

function FormCard(props: { readonly form: Form; readonly locale: Locale }): JSX.Element {
  return (
    <section class={s['card']} data-testid="form" aria-label={words(props.locale)('name.form')}>
      <Pairs pairs={props.form.answers} locale={props.locale} class={s['answers'] ?? ''} asAsked />
    </section>
  );
}

function OrderCard(props: { readonly order: Order; readonly locale: Locale }): JSX.Element {
  const t = () => words(props.locale);
  return (
    <section class={s['card']} data-testid="order" aria-label={t()('name.order')}>
      <h4>{t()('name.order')}</h4>
      <Show when={props.order.about.length > 0}>
        <Pairs pairs={props.order.about} locale={props.locale} class={s['answers'] ?? ''} />
      </Show>
      <Show when={props.order.lines.length > 0}>
        <Rows
          rows={props.order.lines}
          locale={props.locale}
          list={(rows) => (
            <ul class={s['lines']}>
              <For each={rows}>
                {(line) => (
                  <li data-testid="order-line">
                    <span class={s['number']}>
                      <Show when={line.quantity}>{t()('quantity_times', { n: line.quantity })}</Show>
                    </span>
                    <span>{line.name || '–'}</span>
                    <span class={s['number']}>{line.price}</span>
                  </li>
                )}
              </For>
            </ul>
          )}
        />
      </Show>
      <Show when={props.order.totals.length > 0}>
        <p class={s['total']} data-testid="order-total">
          <span>{t()('total')}</span>
          <b class={s['number']}>{props.order.totals.join(' + ')}</b>
        </p>
      </Show>
    </section>
  );
}

function CardView(props: { readonly card: Card; readonly locale: Locale }): JSX.Element {
  const t = () => words(props.locale);
  return (
    <section class={s['card']} data-testid={props.card.what} aria-label={t()(`name.${props.card.what}`)}>
      <small>{t()(`name.${props.card.what}`)}</small>
      <Show when={props.card.title}>
        <h4>
          <Folding text={props.card.title} locale={props.locale} />
        </h4>
      </Show>
      <Show when={props.card.options.length > 0}>
        <ul class={s['options']}>
          <For each={props.card.options}>{(option) => <li>{option}</li>}</For>
        </ul>
      </Show>
      <Show when={props.card.about.length > 0}>
        <Pairs pairs={props.card.about} locale={props.locale} class={s['answers'] ?? ''} />
      </Show>
      <Show when={props.card.href}>
        {(href) => (
          <p class={s['ways']}>
            <Away href={href()}>{href()}</Away>
          </p>
        )}
      </Show>
    </section>
  );
}

function LinkList(props: { readonly links: Links; readonly locale: Locale }): JSX.Element {
  return (
    <Rows
      rows={props.links.links}
      locale={props.locale}
      list={(rows) => (
        <ul class={s['links']} data-testid="links" aria-label={words(props.locale)('name.links')}>
          <For each={rows}>
            {(one) => (
              <li>
                <Show when={one.href} fallback={one.text}>
                  <Away href={one.href}>{one.text}</Away>
                  <Show when={one.text !== one.href}>
                    {' '}
                    <small>{new URL(one.href).host}</small>
                  </Show>
                </Show>
              </li>
            )}
          </For>
        </ul>
      )}
    />
  );
}
