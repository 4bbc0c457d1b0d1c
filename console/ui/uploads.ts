/** Files on their way to the node before a message names them: progress, cancel, retry, a picture at once. */
import { createSignal } from 'solid-js';
import { uuid7, type Attachment, type Limits } from '../client/index.ts';
import { Problem } from './rest.ts';
import { upload } from './files.ts';

export interface Upload {
  readonly id: string;
  readonly file: File;
  readonly state: 'running' | 'failed' | 'done';
  /** 0..1 */
  readonly part: number;
  readonly code: string;
  readonly attachment: Attachment | null;
}

export interface UploadLimits {
  readonly files: number;
  readonly bytes: number;
}

/** What a message may carry: as the node said in `welcome`, before that as it usually is. */
export const uploadLimits = (limits: Limits | null): UploadLimits => ({
  files: limits?.attachments ?? 20,
  bytes: limits?.file_bytes ?? 20_000_000,
});

/** Pictures that were just sent, by file id: shown from memory, not fetched back. */
const previews = new Map<string, string>();
const PREVIEWS_MAX = 40;

export const previewOf = (fileId: string): string | undefined => previews.get(fileId);

function keepPreview(fileId: string, file: File): void {
  if (!file.type.startsWith('image/')) return;
  const oldest = previews.size >= PREVIEWS_MAX ? previews.entries().next().value : undefined;
  if (oldest !== undefined) {
    URL.revokeObjectURL(oldest[1]);
    previews.delete(oldest[0]);
  }
  previews.set(fileId, URL.createObjectURL(file));
}

export interface Uploads {
  readonly items: () => readonly Upload[];
  add(files: Iterable<File>): void;
  cancel(id: string): void;
  retry(id: string): void;
  /** Those that failed for want of a connection go again. */
  retryUnreachable(): void;
  /** The finished ones, in order. */
  readonly attachments: () => Attachment[];
  /** Empties the list, once a message carries them. */
  clear(): void;
  readonly isBusy: () => boolean;
}

export function createUploads(limits: () => UploadLimits, token: () => string): Uploads {
  const [items, set] = createSignal<readonly Upload[]>([]);
  const running = new Map<string, AbortController>();
  const change = (id: string, to: Partial<Upload>): void =>
    void set((known) => known.map((item) => (item.id === id ? { ...item, ...to } : item)));

  const start = (one: Upload): void => {
    const controller = new AbortController();
    running.set(one.id, controller);
    change(one.id, { state: 'running', part: 0, code: '' });
    upload(one.file, {
      token: token(),
      signal: controller.signal,
      onProgress: (part) => change(one.id, { part }),
    }).then(
      (attachment) => {
        keepPreview(attachment.file, one.file);
        change(one.id, { state: 'done', part: 1, attachment });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        change(one.id, { state: 'failed', code: error instanceof Problem ? error.code : 'file.failed' });
      },
    ).finally(() => running.delete(one.id));
  };

  return {
    items,
    add(files) {
      for (const file of files) {
        if (items().length >= limits().files) return;
        const isTooLarge = file.size > limits().bytes;
        const one: Upload = {
          id: uuid7(),
          file,
          state: isTooLarge ? 'failed' : 'running',
          part: 0,
          code: isTooLarge ? 'file.too_large' : '',
          attachment: null,
        };
        set((known) => [...known, one]);
        if (!isTooLarge) start(one);
      }
    },
    cancel(id) {
      running.get(id)?.abort();
      set((known) => known.filter((item) => item.id !== id));
    },
    retry(id) {
      const one = items().find((item) => item.id === id);
      if (one !== undefined && one.state === 'failed' && one.file.size <= limits().bytes) start(one);
    },
    retryUnreachable() {
      for (const one of items()) if (one.state === 'failed' && one.code === 'network.unreachable') start(one);
    },
    attachments: () => items().flatMap((item) => (item.attachment === null ? [] : [item.attachment])),
    clear: () => void set([]),
    isBusy: () => items().some((item) => item.state !== 'done'),
  };
}
