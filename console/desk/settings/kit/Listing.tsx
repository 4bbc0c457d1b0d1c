import { createEffect, For, Match, Show, Switch, type JSX } from 'solid-js';
import { Icon } from '../../../ui/Icon.tsx';
import type { IconName } from '../../../ui/icons/icons.ts';
import type { Asked } from '../../common/asked.ts';
import { isWell } from '../../store/connection.ts';
import { useDesk } from '../../store/desk.ts';
import { t } from '../texts.ts';
import s from './kit.module.css';
import { heading } from './heading.ts';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => JSX.Element;
  /** Of a narrow window it isn't drawn. */
  readonly isRare?: boolean;
}

/** Asks again by itself once a connection that was away is back: nobody has to look for the button. */
export function againWhenBack(asked: Pick<Asked<unknown>, 'problem' | 'again'>): void {
  const desk = useDesk();
  let wasAway = false;
  createEffect(() => {
    const isBack = isWell(desk.connection);
    if (isBack && wasAway && asked.problem()) asked.again();
    wasAway = !isBack;
  });
}

/** What stands in the place of something that is fetched: skeleton, error with retry, no connection. */
export function Fetched<T>(props: { readonly asked: Omit<Asked<T>, 'set'>; readonly children: (value: () => T) => JSX.Element }): JSX.Element {
  const desk = useDesk();
  againWhenBack(props.asked);
  const isOffline = (): boolean => !isWell(desk.connection);
  return (
    <Switch>
      <Match when={props.asked.problem() && props.asked.value() === undefined}>
        <div class="empty" role="alert" data-testid="failed">
          <Icon name={isOffline() ? 'offline' : 'alert'} />
          <h2>{t(isOffline() ? 'list.offline' : 'list.failed')}</h2>
          <p>{isOffline() ? t('list.offline_hint') : props.asked.problem()}</p>
          <button class="btn" type="button" data-testid="again" onClick={() => props.asked.again()}>
            {t('retry')}
          </button>
        </div>
      </Match>
      <Match when={props.asked.isSlow()}>
        <div class={s['ghosts']} aria-hidden="true" data-testid="ghosts">
          <For each={[0, 1, 2, 3]}>{() => <i class="sk" />}</For>
        </div>
      </Match>
      <Match when={props.asked.value() !== undefined}>{props.children(() => props.asked.value() as T)}</Match>
    </Switch>
  );
}

/** Page of a list: head with its one action, what it is for, then rows or why there are none. */
export function Listing<T>(props: {
  readonly title: string;
  readonly hint: string;
  readonly icon: IconName;
  readonly asked: Omit<Asked<readonly T[]>, 'set'>;
  readonly columns: readonly Column<T>[];
  readonly rowId: (row: T) => string;
  readonly empty: { readonly title: string; readonly hint: string };
  readonly action?: JSX.Element;
  /** Above the rows. */
  readonly bar?: JSX.Element;
  /** Below the rows. */
  readonly more?: JSX.Element;
  readonly testid: string;
}): JSX.Element {
  return (
    <>
      <header class="head">
        <h1 tabindex="-1" ref={heading}>
          {props.title}
        </h1>
        <Show when={props.asked.value()}>{(rows) => <span class={s['count']}>{rows().length || ''}</span>}</Show>
        <span class="grow" />
        {props.action}
      </header>
      <div class={s['scroll']} tabindex="0" role="region" aria-label={props.title}>
        <p class={s['intro']}>{props.hint}</p>
        {props.bar}
        <Fetched asked={props.asked}>
          {(rows) => (
            <Show
              when={rows().length > 0}
              fallback={
                <div class="empty" data-testid="empty">
                  <Icon name={props.icon} />
                  <h2>{props.empty.title}</h2>
                  <p>{props.empty.hint}</p>
                </div>
              }
            >
              <table class={s['table']}>
                <thead>
                  <tr>
                    <For each={props.columns}>
                      {(column) => (
                        <th scope="col" data-rare={column.isRare ? '' : undefined}>
                          {column.title}
                        </th>
                      )}
                    </For>
                  </tr>
                </thead>
                <tbody>
                  <For each={rows()}>
                    {(row) => (
                      <tr data-testid={props.testid} data-id={props.rowId(row)}>
                        <For each={props.columns}>
                          {(column, n) => (
                            <Show when={n() > 0} fallback={<th scope="row">{column.cell(row)}</th>}>
                              <td data-rare={column.isRare ? '' : undefined}>{column.cell(row)}</td>
                            </Show>
                          )}
                        </For>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
            </Show>
          )}
        </Fetched>
        {props.more}
      </div>
    </>
  );
}
