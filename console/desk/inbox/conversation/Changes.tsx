import { Match, Switch, type JSX } from 'solid-js';
import { refusedChange, type Message } from '../../../ui/thread.ts';
import { inWords } from '../../channels/reasons.ts';
import { channelName } from '../../channels/words.ts';
import { useDesk } from '../../store/desk.ts';
import { sentence } from '../../words/errors.ts';
import { t } from '../../words/texts.ts';
import s from './changes.module.css';

/** What became of a change or withdrawal of a message: on its way, refused here, or refused by the platform. */
export function Changes(props: { readonly message: Message; readonly channel: string }): JSX.Element {
  const desk = useDesk();
  const asked = () => desk.changes.asked(props.message.id);
  const refused = () => refusedChange(props.message);
  return (
    <Switch>
      <Match when={asked()?.error}>
        {(error) => (
          <p class={s['bad']} role="alert" data-testid="change-refused">
            <span>{t(`change_failed.${asked()?.is ?? 'edit'}`, { reason: sentence(error().code, error().message) })}</span>
            <button type="button" onClick={() => desk.changes.dismiss(props.message.id)}>
              {t('dismiss')}
            </button>
          </p>
        )}
      </Match>
      <Match when={asked()}>
        {(one) => (
          <p class={s['going']} role="status" data-testid="change-going">
            {t(`change_going.${one().is}`)}
          </p>
        )}
      </Match>
      <Match when={refused()}>
        {(one) => (
          <p class={s['bad']} data-testid="not-changed">
            <span>{t(`change_kept.${one().is}`, { reason: inWords(props.channel, one().refused) || t('reason.refused', { code: channelName(props.channel) }) })}</span>
          </p>
        )}
      </Match>
    </Switch>
  );
}
