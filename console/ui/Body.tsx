import { For, lazy, Match, Show, Suspense, Switch, type Accessor, type JSX } from 'solid-js';
import type { Attachment } from '../client/index.ts';
import type { Locale } from '../client/i18n.ts';
import s from './body.module.css';
import { box, size } from './format.ts';
import { Icon } from './Icon.tsx';
import { Text } from './Text.tsx';
import type { Message } from './thread.ts';
import { previewOf } from './uploads.ts';

/** What comes beside words is rare: its words and cards are a chunk of their own. */
const DataView = lazy(() => import('./data/Data.tsx'));

/** Where the bytes of attachment `n` are: an address the page may show, or undefined while it is being fetched. */
export type FileSource = (seq: number, n: number) => Accessor<string | undefined>;

/** The message that this one answers, in one line; `show` brings it into view. */
export interface Quote {
  readonly name: string;
  readonly text: string;
  readonly show: () => void;
}

export interface BodyTexts {
  readonly picture: (name: string) => string;
  /** The name of a file that couldn't be had, which says why in brackets, in the reader's words. */
  readonly lost: (name: string) => string;
  readonly recalled: string;
  readonly edited: string;
}

/** What a message says: text with links, pictures in reserved boxes, files with name and size. */
export function Body(props: {
  readonly message: Message;
  readonly files: FileSource;
  readonly texts: BodyTexts;
  readonly wide: number;
  readonly quote: Quote | undefined;
  readonly locale: Locale;
  /** Whether it begins a group of one author. */
  readonly isFirst: boolean;
  /** Shows a mail as it was written; without: there is no more of it. */
  readonly onOriginal?: (() => void) | undefined;
}): JSX.Element {
  const bubble = (text: string): JSX.Element => (
    <Show when={text} fallback={<Quoted quote={props.quote} />}>
      <p class={s['bubble']}>
        <Quoted quote={props.quote} />
        <Text text={text} />
        <Show when={props.message.edited}>
          <small class={s['edited']}> {props.texts.edited}</small>
        </Show>
      </p>
    </Show>
  );
  const hasData = (): boolean => Object.keys(props.message.data).length > 0;
  return (
    <Show when={!props.message.recalled} fallback={<p class={`${s['bubble']} ${s['recalled']}`}>{props.texts.recalled}</p>}>
      <Show when={hasData()} fallback={bubble(props.message.text)}>
        <Suspense fallback={bubble(props.message.text)}>
          <DataView message={props.message} locale={props.locale} isFirst={props.isFirst} bubble={bubble} onOriginal={props.onOriginal} />
        </Suspense>
      </Show>
      <Show when={props.message.attachments.length > 0}>
        <div class={s['files']}>
          <For each={props.message.attachments}>
            {(attachment, n) => (
              <AttachmentView
                attachment={attachment}
                address={previewFirst(attachment, props.message.seq > 0 && attachment.file !== '' ? props.files(props.message.filesSeq, n()) : nowhere)}
                texts={props.texts}
                wide={props.wide}
              />
            )}
          </For>
        </div>
      </Show>
    </Show>
  );
}

const nowhere = (): undefined => undefined;

const previewFirst =
  (attachment: Attachment, address: Accessor<string | undefined>): Accessor<string | undefined> =>
  () =>
    previewOf(attachment.file) ?? address();

function Quoted(props: { readonly quote: Quote | undefined }): JSX.Element {
  return (
    <Show when={props.quote}>
      {(quote) => (
        <button type="button" class={s['quote']} data-testid="quote" onClick={() => quote().show()}>
          <b>{quote().name}</b> {quote().text}
        </button>
      )}
    </Show>
  );
}

function AttachmentView(props: {
  readonly attachment: Attachment;
  readonly address: Accessor<string | undefined>;
  readonly texts: BodyTexts;
  readonly wide: number;
}): JSX.Element {
  const isLost = (): boolean => props.attachment.file === '' && !props.attachment.ref;
  const isPicture = (): boolean => !isLost() && /^image\/(png|jpeg|gif|webp|avif)$/.test(props.attachment.mime);
  const area = () => box(props.attachment.width ?? 0, props.attachment.height ?? 0, props.wide, props.wide);
  return (
    <Switch>
      <Match when={isPicture()}>
        <a
          class={s['picture']}
          href={props.address()}
          target="_blank"
          rel="noopener"
          style={{ width: `${area().width}px`, height: `${area().height}px` }}
          data-testid="picture"
        >
          <Show when={props.address()}>
            {(address) => (
              <img
                src={address()}
                alt={props.texts.picture(props.attachment.name)}
                width={area().width}
                height={area().height}
                decoding="async"
              />
            )}
          </Show>
        </a>
      </Match>
      <Match when={isLost()}>
        <span class={`${s['file']} ${s['lost']}`} data-testid="lost">
          <Icon name="file" />
          <span>{props.texts.lost(props.attachment.name)}</span>
        </span>
      </Match>
      <Match when={!isPicture()}>
        <a class={s['file']} href={props.address()} download={props.attachment.name} data-testid="file">
          <Icon name="file" />
          <span class={s['name']}>{props.attachment.name}</span>
          <span class={s['size']}>{size(props.attachment.bytes)}</span>
        </a>
      </Match>
    </Switch>
  );
}
