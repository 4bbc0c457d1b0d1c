import { createSignal, createEffect, onCleanup, Show, type JSX } from 'solid-js';
import { Icon } from '../../ui/Icon.tsx';
import { isHeldUp } from '../../ui/unsent.ts';
import s from './connection.module.css';
import { useDesk } from '../store/desk.ts';
import { t } from '../words/texts.ts';

/** A moment without connection is nobody's business. */
const QUIET_MS = 1_200;

/** The strip that says that there is no connection, what that means, and how many messages wait. */
export function Connection(): JSX.Element {
  const desk = useDesk();
  const [isAway, setAway] = createSignal(false);
  createEffect(() => {
    if (desk.known.link.name === 'live' && !isHeldUp(desk.known.entries)) {
      setAway(false);
      return;
    }
    const timer = setTimeout(() => setAway(true), QUIET_MS);
    onCleanup(() => clearTimeout(timer));
  });
  const unsent = (): number => desk.known.entries.filter((entry) => entry.state === 'waiting' || entry.state === 'sending').length;
  const text = (): string => {
    const { link } = desk.known;
    if (link.name === 'stopped' && link.reason === 'outdated') return t('connection.outdated');
    if (link.name === 'stopped' && link.reason === 'forbidden') return t('connection.forbidden');
    return unsent() > 0 ? t('connection.unsent', { n: unsent() }) : t('connection.away');
  };
  return (
    <div role="status" data-testid="connection" data-state={isAway() && desk.known.link.name === 'live' ? 'held' : desk.known.link.name} class={isAway() ? s['strip'] : 'vh'}>
      <Show when={isAway()}>
        <Icon name="offline" />
        <b>{t(desk.known.link.name === 'live' ? 'connection.held' : 'connection.offline')}</b>
        <span>{text()}</span>
        <Show when={desk.known.link.name === 'stopped' && desk.known.link.reason === 'outdated'}>
          <button type="button" class={s['reload']} onClick={() => location.reload()}>
            {t('connection.reload')}
          </button>
        </Show>
      </Show>
    </div>
  );
}
