import { createSignal, createEffect, onCleanup, Show, type JSX } from 'solid-js';
import { Icon } from '../../ui/Icon.tsx';
import s from './connection.module.css';
import { isWell, unsent } from '../store/connection.ts';
import { useDesk } from '../store/desk.ts';
import { t } from '../words/texts.ts';

/** Grace period: a reconnect within it shows no strip. */
const QUIET_MS = 1_200;

/** Status strip: no connection or a log that is away, what that means, and how many messages wait in the outbox. */
export function Connection(): JSX.Element {
  const desk = useDesk();
  const [isAway, setAway] = createSignal(false);
  createEffect(() => {
    if (isWell(desk.connection)) {
      setAway(false);
      return;
    }
    const timer = setTimeout(() => setAway(true), QUIET_MS);
    onCleanup(() => clearTimeout(timer));
  });
  const text = (): string => {
    const { link } = desk.connection;
    if (link.name === 'stopped' && link.reason === 'outdated') return t('connection.outdated');
    if (link.name === 'stopped' && link.reason === 'forbidden') return t('connection.forbidden');
    return unsent(desk.connection) > 0 ? t('connection.unsent', { n: unsent(desk.connection) }) : t('connection.away');
  };
  return (
    <div role="status" data-testid="connection" data-state={isAway() && desk.connection.link.name === 'live' ? 'held' : desk.connection.link.name} class={isAway() ? s['strip'] : 'vh'}>
      <Show when={isAway()}>
        <Icon name="offline" />
        <b>{t(desk.connection.link.name === 'live' ? 'connection.held' : 'connection.offline')}</b>
        <span>{text()}</span>
        <Show when={desk.connection.link.name === 'stopped' && desk.connection.link.reason === 'outdated'}>
          <button type="button" class={s['reload']} onClick={() => location.reload()}>
            {t('connection.reload')}
          </button>
        </Show>
      </Show>
    </div>
  );
}
