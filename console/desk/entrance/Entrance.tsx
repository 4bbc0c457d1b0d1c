import { For, type JSX } from 'solid-js';
import { ChannelGlyph } from '../../ui/Icon.tsx';
import { chooseLocale } from '../words/language.ts';
import { Mark } from '../common/Mark.tsx';
import { locale, t, type TextKey } from '../words/texts.ts';
import s from './entrance.module.css';

const CHANNELS: readonly { readonly id: string; readonly text: TextKey; readonly bend: number }[] = [
  { id: 'wechat', text: 'channel.wechat', bend: 218 },
  { id: 'wecom', text: 'channel.wecom', bend: 202 },
  { id: 'douyin', text: 'channel.douyin', bend: 188 },
  { id: 'web', text: 'channel.web', bend: 188 },
  { id: 'email', text: 'channel.email', bend: 202 },
  { id: 'app', text: 'channel.app', bend: 218 },
];

const STEPS: readonly TextKey[] = ['step.received', 'step.stored', 'step.assigned', 'step.answered', 'step.kept'];

/** Layout of the signed-out pages: a figure of the product beside a form. */
export function Entrance(props: { readonly children: JSX.Element }): JSX.Element {
  return (
    <div class={s['sign']}>
      <aside class={s['side']}>
        <p class={s['brand']}>
          <Mark />
          Trunkline
        </p>
        <figure aria-label={t('entrance.figure')}>
          <svg class={s['lines']} viewBox="0 0 800 440" aria-hidden="true">
            <For each={CHANNELS}>
              {(channel, index) => {
                const y = (): number => 70 + 60 * index();
                return (
                  <>
                    <text x="34" y={y() + 5}>
                      {t(channel.text)}
                    </text>
                    <g transform={`translate(8 ${y() - 7})`}>
                      <ChannelGlyph channel={channel.id} />
                    </g>
                    <path class={s['thin']} d={`M120 ${y()}H${channel.bend}L340 220`} />
                  </>
                );
              }}
            </For>
            <path class={s['thick']} d="M340 220H790" />
            <For each={STEPS}>
              {(step, index) => (
                <>
                  <path class={s['tick']} d={`M${420 + 80 * index()} 214v12`} />
                  <text class={s['step']} x={420 + 80 * index()} y="246" text-anchor="middle">
                    {t(step)}
                  </text>
                </>
              )}
            </For>
            <rect class={s['seal']} x="736" y="216" width="8" height="8" />
          </svg>
        </figure>
        <p class={s['place']}>
          {location.host} · {t('entrance.place')}
        </p>
      </aside>
      <main class={s['form']}>
        {props.children}
        <p class={s['language']}>
          <button
            type="button"
            lang={locale() === 'en' ? 'zh-CN' : 'en'}
            onClick={() => void chooseLocale(locale() === 'en' ? 'zh-CN' : 'en')}
          >
            {locale() === 'en' ? '中文' : 'English'}
          </button>
        </p>
      </main>
    </div>
  );
}
