import { createMemo, Match, Show, Switch, type JSX } from 'solid-js';
import { refusal, type ActName } from '../../actions/refusal.ts';
import { ChannelGlyph, Icon } from '../../../ui/Icon.tsx';
import { offer } from '../../actions/scene.ts';
import { visitorName } from '../../words/names.ts';
import { inboxHref, type View } from '../../store/address.ts';
import { useDesk } from '../../store/desk.ts';
import { standing } from '../../store/standing.ts';
import { channelName } from '../../channels/words.ts';
import { t } from '../../words/texts.ts';
import { Assign } from './Assign.tsx';
import { Composer } from '../composer/Composer.tsx';
import s from './conversation.module.css';
import { Log } from './Log.tsx';
import { change, take } from '../../actions/acts.ts';

export function Conversation(props: {
  readonly conv: string;
  readonly view: View;
  readonly goTo: number;
  readonly isContactOpen: boolean;
  readonly onContact: () => void;
}): JSX.Element {
  const desk = useDesk();
  const thread = desk.threads.of(props.conv);
  const stand = createMemo(() => standing(desk.views.heads[props.conv], thread()));
  const name = (): string => visitorName(stand().contactName, stand().contact);
  const isOver = (): boolean => stand().status === 'resolved' || stand().status === 'closed';
  const can = (act: ActName): boolean => refusal(act, stand(), desk.me.id) === null;
  const isMine = (): boolean => stand().agent === desk.me.id;
  const colleague = () => {
    const typing = desk.typing.of(props.conv);
    return typing?.byKind === 'agent' ? typing : undefined;
  };
  offer('conversation', {
    get conv() {
      return props.conv;
    },
    isOver,
  });

  return (
    <section class={s['conv']} data-part="conversation" data-pane aria-label={t('conversation.with', { name: name() })}>
      <header class="head">
        <a class={`ib ${s['back']}`} href={inboxHref(props.view)} aria-label={t('keys.back')}>
          <Icon name="back" />
        </a>
        <div class={s['id']}>
          <h2 class="cut">{name()}</h2>
          <p class={s['sub']}>
            <ChannelGlyph channel={stand().channel} class="ch" />
            <span class="cut">
              {channelName(stand().channel)}
              <Show when={stand().inbox && desk.channels.inboxName(stand().inbox)}>{(name) => <> · {name()}</>}</Show> · {t(`status.${stand().status}`)}
              <Show when={stand().agent && !isOver()}> · {isMine() ? t('you') : desk.colleagues.nameOf(stand().agent)}</Show>
            </span>
          </p>
        </div>
        <span class="grow" />
        <Show when={can('resolve')}>
          <Show when={can('take')}>
            <button class="btn primary" type="button" data-testid="take" onClick={() => void take(desk, props.conv)}>
              {t('take')}
            </button>
          </Show>
          <Assign conv={props.conv} agent={stand().agent} />
          <button class="btn" type="button" data-testid="resolve" onClick={() => void change(desk, props.conv, 'resolve')}>
            <Icon name="check" />
            {t('resolve')}
          </button>
        </Show>
        <Show when={can('reopen')}>
          <button class="btn" type="button" data-testid="reopen" onClick={() => void change(desk, props.conv, 'reopen')}>
            <Icon name="reopen" />
            {t('reopen')}
          </button>
        </Show>
        <button
          class={`ib ${s['aside']}`}
          type="button"
          aria-label={t('contact.title')}
          aria-expanded={props.isContactOpen}
          onClick={() => props.onContact()}
        >
          <Icon name="panel" />
        </button>
      </header>
      <Show when={colleague()}>
        {(typing) => (
          <p class={s['replying']} role="status">
            {t('typing.colleague', { name: typing().name })}
          </p>
        )}
      </Show>
      <Log conv={props.conv} view={props.view} goTo={props.goTo} name={name()} isMine={isMine()} />
      <Switch>
        <Match when={stand().status === 'closed'}>
          <p class={s['over']}>
            <Icon name="lock" />
            {t('conversation.closed')}
          </p>
        </Match>
        <Match when={stand().status !== 'closed'}>
          <Composer conv={props.conv} name={name()} standing={stand()} />
        </Match>
      </Switch>
    </section>
  );
}
