/** Attachments for someone with a token instead of a cookie: fetched once, shown as blob: addresses, a bounded number. */
import { createSignal, type Accessor } from 'solid-js';
import { fileUrl } from '../ui/rest.ts';
import { fetchFile } from '../ui/files.ts';

const KEPT_MAX = 60;
const kept = new Map<string, { address: Accessor<string | undefined>; release: () => void }>();

export function picture(conv: string, seq: number, n: number, token: () => string): Accessor<string | undefined> {
  const url = fileUrl(conv, seq, n);
  const known = kept.get(url);
  if (known !== undefined) return known.address;
  const [address, setAddress] = createSignal<string>();
  let made = '';
  fetchFile(url, token()).then(
    (blob) => setAddress((made = URL.createObjectURL(blob))),
    () => kept.delete(url), // shown as an empty box; drawn again, it is tried again
  );
  kept.set(url, { address, release: () => URL.revokeObjectURL(made) });
  const oldest = kept.size > KEPT_MAX ? kept.entries().next().value : undefined;
  if (oldest !== undefined) {
    oldest[1].release();
    kept.delete(oldest[0]);
  }
  return address;
}
