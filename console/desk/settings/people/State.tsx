import { Show, type JSX } from 'solid-js';
import type { AgentSettings } from '../../../api/rest.ts';
import { timeOrDay } from '../../../ui/format.ts';
import { useDesk } from '../../store/desk.ts';
import { now } from '../../store/now.ts';
import { t as deskText } from '../../words/texts.ts';
import { locale, t } from '../texts.ts';
import s from './people.module.css';

/** When somebody was last seen, from Unix seconds; 0: they aren't signed in anywhere. */
export const seenText = (seen: number): string => (seen === 0 ? t('seen.never') : timeOrDay(seen * 1000, now(), locale()));

/** Whether somebody can sign in, and what they are now. */
export function State(props: { readonly agent: Pick<AgentSettings, 'id' | 'active'> }): JSX.Element {
  const desk = useDesk();
  const state = () => {
    const known = desk.colleagues.all.find(({ id }) => id === props.agent.id);
    return known?.present ? known.state : 'offline';
  };
  return (
    <Show when={props.agent.active} fallback={<span class={`${s['state']} ${s['off']}`} data-state="inactive">{t('agent.inactive')}</span>}>
      <span class={s['state']} data-state={state()}>
        <span class={`dot ${state()}`} />
        {deskText(`presence.${state()}`)}
      </span>
    </Show>
  );
}
