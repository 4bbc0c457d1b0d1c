/** Files to and from the node: uploads with progress, attachments for those who carry a token. */
import type { Attachment, MessageKind } from '../client/index.ts';
import { bearer, NO_ANSWER, problemOf } from './rest.ts';

/** The kind of a message by what it carries. */
export const kindOf = (attachments: readonly Attachment[]): MessageKind =>
  attachments.length === 0 ? 'text' : attachments.every((one) => one.mime.startsWith('image/')) ? 'image' : 'file';

/** Uploads a file; `onProgress` gets 0..1. Aborting rejects with an `AbortError`. */
export function upload(
  file: File,
  options: { readonly token?: string; readonly signal: AbortSignal; readonly onProgress: (part: number) => void },
): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch can't tell how far an upload has got
    request.open('POST', `/api/v1/files?name=${encodeURIComponent(file.name || 'file')}`);
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    if (options.token) request.setRequestHeader('Authorization', `Bearer ${options.token}`);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) options.onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status === 201 || request.status === 200) resolve(JSON.parse(request.responseText) as Attachment);
      else reject(problemOf(request.status, request.responseText));
    };
    request.onerror = () => reject(NO_ANSWER);
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    options.signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

/** The bytes of an attachment for those who carry a token instead of a cookie. Raises `Problem`. */
export async function fetchFile(url: string, token: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, { headers: bearer(token) });
  } catch {
    throw NO_ANSWER;
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response.blob();
}
