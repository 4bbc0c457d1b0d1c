import { Show, type JSX } from 'solid-js';
import { t } from '../../words/texts.ts';
import type { Recipients as Known } from '../../channels/mail.ts';
import s from './recipients.module.css';

/** Recipients of a reply to a mail; a Reply-To that failed DMARC needs the agent's choice. */
export function Recipients(props: {
  readonly known: Known;
  readonly customer: string;
  readonly onChoose: (address: string) => void;
}): JSX.Element {
  const isChosen = (): boolean => props.known.doubtful !== '' && props.known.to === props.known.doubtful;
  return (
    <div class={s['recipients']} data-testid="recipients">
      <p>
        <span class={s['name']}>{t('mail.to')}</span> <span data-testid="recipients-to">{props.known.to}</span>
        <Show when={props.known.cc.length > 0}>
          <span class={s['name']}>{t('mail.cc')}</span> <span>{props.known.cc.join(', ')}</span>
        </Show>
      </p>
      <Show when={props.known.doubtful}>
        <p class={s['doubt']} data-testid="recipients-doubt">
          {isChosen() ? t('mail.reply_to_chosen') : t('mail.reply_to', { address: props.known.doubtful })}
          <button type="button" data-testid="recipients-choose" onClick={() => props.onChoose(isChosen() ? '' : props.known.doubtful)}>
            {t('mail.choose', { address: isChosen() ? props.customer : props.known.doubtful })}
          </button>
        </p>
      </Show>
    </div>
  );
}
