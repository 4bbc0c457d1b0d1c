"""A message without a conversation: finds the contact's (or thread's) open one or opens one, exactly once wherever
it is retried.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from msgspec import Struct

from backbone import contacts, directory
from backbone import events as ev
from backbone.acks import WrongSequenceError
from backbone.conversation import Head
from backbone.decide import parse_tolerant, read_head
from backbone.errors import ConflictError, TooManyError
from backbone.events import data
from backbone.ids import conversation_id, derived_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Kept, KeyExistsError, RevisionError
from backbone.nats.link import Link

TRIES: Final = 8
LOOK_BACK: Final = 20_000


class Placed(NamedTuple):
    """Where the message is stored, and whether it had been there before."""

    conv: str
    seq: int
    at: int
    duplicate: bool = False


class Message(Struct, frozen=True, kw_only=True):
    """A message that has no conversation yet, and what a new conversation would say of its beginning."""

    id: str
    tenant: str
    inbox: directory.Inbox
    contact: str
    contact_name: str
    source: ev.Source
    by: ev.Actor
    at: int
    kind: ev.MessageKind
    text: str
    attachments: list[ev.Attachment]
    reply_to: str = ""
    note: bool = False
    peer: str = ""
    thread: str = ""
    subject: str = ""
    cc: list[str] | None = None
    html: str = ""
    automatic: bool = False
    provider: ev.Provider | None = None
    data: ev.Data = {}


Claim = Callable[[str, int], Awaitable[Placed | None]]
"""Called with the conversation and its last sequence before a message is stored there: where it is already, if so."""


async def place(link: Link, log: Log, open_streams: list[str], message: Message, claim: Claim | None = None) -> Placed:
    """Stores the message in the contact's open conversation, or in a new one.

    With `claim` whoever calls knows by it what was stored before, beyond what a conversation's beginning tells.
    Raises TooManyError `log.busy` after 8 tries, and what `Log.publish` raises.
    """
    derived = conversation_id(message.tenant, message.inbox.id, message.contact, message.id, open_streams)
    bucket = contacts.contacts(link)
    key = contacts.open_key(message.tenant, message.inbox.id, message.contact, message.thread)
    for _ in range(TRIES):
        # 1. A retry: the conversation that this message would open exists and holds it.
        already = await _find(log, message, derived)
        if already:
            return already
        # 2. The contact's conversation takes it, unless that is closed for good. It may be the very one that
        # this message would open: who claimed the key may have been overtaken by the one who completed it.
        kept = await bucket.get(key)
        current = kept.value.conv if kept and isinstance(kept.value, contacts.OpenConversation) else ""
        if current and (placed := await _place_in(link, log, message, current, claim)):
            return placed
        if current == derived:
            raise ConflictError(
                "conversation.closed", "The message comes too late for its conversation; send it as a new one."
            )
        # 3. It opens one of its own. Who loses the key starts again.
        try:
            if claim and (already := await claim(derived, 0)):
                return already
            await _claim(bucket, key, kept, contacts.OpenConversation(conv=derived, opened_by=message.id))
            await contacts.remember(link, message.tenant, _contact(message))
            return await _open(log, message, derived, current)
        except (RevisionError, KeyExistsError, WrongSequenceError):
            continue
    raise TooManyError("log.busy", "Too many messages at once. Send it again.", retry_after_ms=300)


async def _claim(
    bucket: Bucket[contacts.Record],
    key: str,
    kept: Kept[contacts.Record] | None,
    wanted: contacts.OpenConversation,
) -> None:
    if kept:
        await bucket.update(key, wanted, kept.revision)
    else:
        await bucket.create(key, wanted)


def _contact(message: Message) -> contacts.Contact:
    return contacts.Contact(
        id=message.contact,
        inbox=message.inbox.id,
        name=message.contact_name,
        locale=message.source.locale,
        first_at=message.at,
        peer=message.peer,
    )


async def _find(log: Log, message: Message, conv: str) -> Placed | None:
    """Where the message is if it was stored before, in the conversation that it opened."""
    last = await log.last(subjects.any_channel(message.tenant, conv))
    if last is None:
        return None
    return await find_in(log, last.subject, conv, message.id, 0)


async def find_in(log: Log, subject: str, conv: str, event_id: str, after: int) -> Placed | None:
    """Where an event is among those of a conversation after a sequence, None if it isn't there."""
    for event in reversed(await log.replay_all(subject, after, LOOK_BACK)):
        parsed = parse_tolerant(event.raw)
        if parsed.id == event_id:
            return Placed(conv, event.seq, parsed.at, duplicate=True)
    return None


async def _place_in(link: Link, log: Log, message: Message, conv: str, claim: Claim | None) -> Placed | None:
    """Stores the message in the contact's conversation; None if that is closed for good.

    A conversation whose key was set but whose beginning never came is begun by this message.
    """
    heads: Bucket[Head] = Bucket(link, "heads", Head)
    kept = await heads.get(subjects.key(message.tenant, conv))
    head = await read_head(log, message.tenant, conv, kept.value if kept else None)
    if head is None:
        try:
            return await _open(log, message, conv, "")
        except WrongSequenceError:
            head = await read_head(log, message.tenant, conv, None)
            if head is None:
                return None
    subject = subjects.chat(message.tenant, head.channel, conv)
    newest = head.steps[-2] - 1 if len(head.steps) > 1 else 0
    found = await find_in(log, subject, conv, message.id, newest)
    if found:
        return found
    if directory.is_over(head, message.inbox, message.at):
        return None
    if claim and (already := await claim(conv, head.seq)):
        return already
    stored = await log.publish(subject, added(message, head.channel, conv))
    return Placed(conv, stored.seq, message.at, stored.duplicate)


async def _open(log: Log, message: Message, conv: str, previous: str) -> Placed:
    channel = message.inbox.channel
    opened = ev.ConversationOpened(
        id=derived_event_id(message.id, "opened"),
        tenant=message.tenant,
        channel=channel,
        conv=conv,
        at=message.at,
        by=message.by,
        inbox=message.inbox.id,
        contact=message.contact,
        contact_name=message.contact_name,
        peer=message.peer,
        thread=message.thread,
        previous=previous,
        source=message.source,
        attributes=data.texts(message.data),
    )
    subject = subjects.chat(message.tenant, channel, conv)
    stored = await log.publish_batch(subject, [opened, added(message, channel, conv)], 0)
    return Placed(conv, stored.seq, message.at, stored.duplicate)


def added(message: Message, channel: str, conv: str) -> ev.MessageAdded:
    """The event that stores a message in a conversation."""
    return ev.MessageAdded(
        id=message.id,
        tenant=message.tenant,
        channel=channel,
        conv=conv,
        at=message.at,
        by=message.by,
        kind=message.kind,
        text=message.text,
        attachments=message.attachments,
        reply_to=message.reply_to,
        note=message.note,
        provider=message.provider,
        subject=message.subject,
        cc=message.cc,
        html=message.html,
        automatic=message.automatic,
        data=message.data,
    )
