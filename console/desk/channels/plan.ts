/**
 * As what a message goes out on a channel, told before it is sent: `adapters/channels/kit/outgoing/parts.py` cuts it so, and the
 * cases of `tests/cases/parts.json` hold both to the same. Pure.
 */
import { partsOf, sizeOf, type TextLimit } from './size.ts';

/** A channel's limits that decide it. */
export interface Carries {
  readonly kinds: readonly string[];
  readonly text: TextLimit;
  /** Text and all files go out as one message. */
  readonly together: boolean;
  /** A short text goes out with the first file. */
  readonly caption: boolean;
  readonly media_bytes: Readonly<Record<string, number>>;
  /** MIME types by kind, where not all are taken. */
  readonly media_types?: Readonly<Record<string, readonly string[]>>;
  /** Customers reach a node, so what isn't taken goes out as a link. */
  readonly links?: boolean;
}

export interface Kept {
  readonly mime: string;
  readonly bytes: number;
}

const kindOfFile = (mime: string): string => /^(image|audio|video)\//.exec(mime)?.[1] ?? 'file';

/** Kind as which a channel accepts a file; null: not accepted. */
function takenAs(channel: Carries, file: Kept): string | null {
  const isSmall = (kind: string): boolean => file.bytes <= (channel.media_bytes[kind] ?? file.bytes);
  const mime = (file.mime.split(';')[0] ?? '').trim().toLowerCase();
  // The browser gives no type for what it doesn't know; the node sniffs it after the upload.
  const isKnown = (kind: string): boolean => mime === '' || (channel.media_types?.[kind]?.includes(mime) ?? true);
  const kind = kindOfFile(file.mime);
  if (channel.together) return isSmall(kind) ? kind : null;
  return [kind, 'file'].find((one) => channel.kinds.includes(one) && isSmall(one) && isKnown(one)) ?? null;
}

/** Whether a file arrives as what it is, as a plain file (a picture that is too large for one, say), as a link, or not
 * at all. */
export function sentAs(channel: Carries | undefined, file: Kept): 'itself' | 'file' | 'link' | 'nothing' {
  const kind = channel === undefined ? kindOfFile(file.mime) : takenAs(channel, file);
  if (kind === null) return channel?.links === false ? 'nothing' : 'link';
  return kind === kindOfFile(file.mime) ? 'itself' : 'file';
}

/** Lower bound of messages for text and files: splitting at sentence ends may need one more. */
export function messagesOf(channel: Carries, text: string, files: readonly Kept[]): number {
  if (channel.together) return 1;
  const isCaption = (one: Kept): boolean => {
    const kind = takenAs(channel, one);
    return kind !== null && kind !== 'audio';
  };
  const isShort = sizeOf(text, channel.text.measure) <= Math.floor(channel.text.most / 4);
  const isWithFile = text !== '' && channel.caption && isShort && files.some(isCaption);
  const words = text === '' || isWithFile ? 0 : partsOf(text, channel.text);
  return Math.max(1, words + files.length);
}
