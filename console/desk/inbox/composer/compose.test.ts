import { createRoot } from 'solid-js';
import { expect, test } from 'vitest';
import { inMemory } from '../../../client/cache.ts';
import type { Draft as Message, Event, Stored } from '../../../client/index.ts';
import type { Channel, Known } from '../../channels/known.ts';
import { createChanges } from '../../store/writing/changes.ts';
import { createChannels } from '../../store/channels.ts';
import { createConnection } from '../../store/connection.ts';
import { createDrafts } from '../../store/writing/drafts.ts';
import type { Standing } from '../../store/standing.ts';
import { createThreads } from '../../store/threads.ts';
import { createViews } from '../../store/views.ts';
import { createComposing, isSendable, keptOf, lossOf, messageOf, sendLabel, type Composing } from './compose.ts';

const file = (type: string, size: number): File => ({ type, size, name: 'a' }) as File;

test('something is sent once it is there, uploaded, and none of it would be lost', () => {
  expect(isSendable(' \n', 0, false, [])).toBe(false);
  expect(isSendable('hi', 0, false, [])).toBe(true);
  expect(isSendable('', 1, false, [undefined])).toBe(true);
  expect(isSendable('hi', 1, true, [undefined])).toBe(false);
  expect(isSendable('hi', 2, false, ['upload.as_link', 'upload.as_file'])).toBe(true);
  expect(isSendable('hi', 2, false, [undefined, 'upload.as_nothing'])).toBe(false);
});

test('a file is judged by what the browser guesses until the node has looked; a note goes to no channel', () => {
  expect(keptOf({ file: file('text/plain', 3), attachment: null })).toEqual({ mime: 'text/plain', bytes: 3 });
  expect(keptOf({ file: file('text/plain', 3), attachment: { mime: 'image/png', bytes: 4 } as never })).toEqual({ mime: 'image/png', bytes: 4 });
  const channel = { kinds: ['text', 'image'], text: { most: 100, measure: 'chars' }, together: false, caption: false, media_bytes: { image: 10 } } as const;
  const picture = (bytes: number) => ({ mime: 'image/png', bytes });
  expect([lossOf('reply', channel, picture(9)), lossOf('reply', channel, picture(11)), lossOf('note', channel, picture(11))]).toEqual([undefined, 'upload.as_link', undefined]);
  expect(lossOf('reply', { ...channel, links: false }, picture(11))).toBe('upload.as_nothing');
});

test('the message of a draft: its own tab, trimmed, with the address that was chosen for a mail', () => {
  const draft = { conv: 'x', reply: ' hello ', note: 'psst', answers: 'm1' };
  expect(messageOf(draft, 'reply', [], undefined)).toEqual({ conv: 'x', text: 'hello', kind: 'text', attachments: [], note: false, replyTo: 'm1', answerTo: '' });
  expect(messageOf(draft, 'note', [], undefined)).toMatchObject({ text: 'psst', note: true });
  const mail = { to: 'other@b.c', cc: [], doubtful: 'other@b.c' };
  expect(messageOf(draft, 'reply', [], mail).answerTo).toBe('other@b.c');
  expect(messageOf(draft, 'note', [], mail).answerTo).toBe('');
  expect(messageOf(draft, 'reply', [], { ...mail, to: 'me@b.c' }).answerTo).toBe('');
});

test('the button says what it does', () => {
  const closed = { isOpen: false } as never;
  expect([sendLabel('reply', null), sendLabel('reply', closed), sendLabel('note', closed)]).toEqual(['composer.send', 'composer.hold', 'composer.save']);
});

interface Told {
  readonly said: string[];
  readonly asked: object[];
  readonly sent: Message[];
  isFull: boolean;
}

/** The composer's logic on slices of its own, and what it told the client. */
async function composing(act: (one: Composing, told: Told, desk: Parameters<typeof createComposing>[0]) => void | Promise<void>): Promise<void> {
  const told: Told = { said: [], asked: [], sent: [], isFull: false };
  const wire = { follow: () => undefined, unfollow: () => undefined, history: () => true, say: () => true };
  const known: Known = { channels: { email: { name: 'email', windows: [] } as unknown as Channel }, inboxes: { shop: { id: 'shop', channel: 'email', name: 'Shop' } } };
  const channels = createChannels(async () => known);
  await channels.refresh();
  const desk = {
    changes: createChanges({ ask: (frame) => new Promise(() => void told.asked.push(frame)) }),
    connection: createConnection().state,
    channels,
    drafts: createDrafts(inMemory()),
    threads: createThreads(wire, () => ''),
    views: createViews(() => undefined),
    client: {
      say: (frame: { readonly t: string; readonly kind?: string }) => told.said.push(frame.kind ?? frame.t) > 0,
      send: (message: Message) => {
        if (told.isFull) throw new Error('full');
        told.sent.push(message);
        return 'id';
      },
    },
  };
  const standing = { status: 'resolved', channel: 'email', inbox: 'gone' } as Standing;
  await createRoot(async (dispose) => {
    await act(createComposing(desk, { conv: 'x', standing }), told, desk);
    dispose();
  });
}

test('what is sent is cleared with what it answered; the other tab keeps its text', () =>
  composing((one, told, desk) => {
    one.write('a reply');
    one.setTab('note');
    one.write('a note');
    desk.drafts.keep('x', { answers: 'm1' });
    expect([one.text(), one.canSend(), one.answers()]).toEqual(['a note', true, 'm1']);
    expect(one.send()).toBe('sent');
    expect([one.text(), one.answers(), one.canSend(), one.send()]).toEqual(['', '', false, 'nothing']);
    one.setTab('reply');
    expect(one.text()).toBe('a reply');
    expect(told.sent).toEqual([expect.objectContaining({ conv: 'x', text: 'a note', note: true, replyTo: 'm1' })]);
  }));

test('a message that is changed is written in the place of the draft, which is there again afterwards', () =>
  composing((one, told, desk) => {
    one.write('a draft');
    desk.changes.begin('x', 'm1', 'helo');
    expect([one.text(), one.canSend(), one.send()]).toEqual(['helo', false, 'nothing']);
    one.write('hello');
    expect([one.text(), one.canSend(), desk.drafts.of('x').reply]).toEqual(['hello', true, 'a draft']);
    one.leaveEditing();
    expect([one.text(), one.editing(), told.asked]).toEqual(['a draft', undefined, []]);
    desk.changes.begin('x', 'm1', 'helo');
    one.write('  ');
    expect(one.canSend()).toBe(false);
    one.write('hello');
    expect([one.send(), one.text(), told.asked.length, told.sent]).toEqual(['sent', 'a draft', 1, []]);
    expect(told.said).toEqual(['typing']);
  }));

test('a full outbox keeps what was written', () =>
  composing((one, told) => {
    told.isFull = true;
    one.write('hello');
    expect([one.send(), one.text()]).toEqual(['full', 'hello']);
  }));

test('the customer sees typing of a reply, never of a note, and its end', () =>
  composing((one, told) => {
    one.setTab('note');
    one.write('psst');
    expect(told.said).toEqual([]);
    one.setTab('reply');
    one.write('h');
    one.write('he');
    one.send();
    expect(told.said).toEqual(['typing', 'stopped']);
  }));

test('how the conversation stands, and whose mail is answered', () =>
  composing((one, _, desk) => {
    expect([one.isResolved(), one.isRemoved(), one.room(), one.channel()?.name]).toEqual([true, true, null, 'email']);
    const mail = { type: 'message.added', by: { kind: 'visitor', id: 'c1' }, text: 'hi', provider: { id: 'p', context: { from: 'me@b.c', to: 'other@b.c', dmarc: 'none' } } };
    desk.threads.arrived('x', [[1, 0, { tenant: 'main', channel: 'email', conv: 'x', id: 'm1', at: 1, ...mail } as Event] as Stored], { synced: true, forget: false });
    expect([one.customer(), one.mail()]).toEqual(['me@b.c', { to: 'me@b.c', cc: [], doubtful: 'other@b.c' }]);
    one.choose('other@b.c');
    expect(one.mail()?.to).toBe('other@b.c');
  }));
