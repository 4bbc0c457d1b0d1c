"""Sending a message: into a conversation, or with one that opens for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol

from backbone import contacts, directory, failpoints, opening
from backbone import events as ev
from backbone.access import REFUSED, Who, able
from backbone.acks import LogEvent, Stored
from backbone.clock import utc_ms
from backbone.commands import Send, To
from backbone.conversation import Head
from backbone.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TrunklineError,
    UnknownOutcomeError,
)
from backbone.ids import check_name
from backbone.nats import subjects
from node import resends
from node.commands import addressed
from node.commands.addressed import Whom
from node.commands.authorise import authorise
from node.commands.files import keep, own_file
from node.context import Context
from node.metrics import STORE_SECONDS
from node.rooms.room import Room


class Sender(Protocol):
    """Who is told what became of a message. Calls in place of a future: most messages cost no task."""

    id: str
    """Of the session that needs not be told of the conversation that it opens."""

    source: ev.Source

    def stored(self, command: Send, seq: int, conv: str, at: int) -> None:
        """The log has acknowledged it, now or before."""
        ...

    def refuse(self, command: Send, error: TrunklineError) -> None:
        """It isn't stored, or nobody knows."""
        ...


def send(context: Context, sender: Sender, who: Who, command: Send) -> Coroutine[Any, Any, None] | None:
    """Stores a message; `sender` is told when the log has acknowledged it.

    Most messages are published before this returns. What must be waited for comes back as a coroutine: a
    conversation nobody here is attached to, a file's record, agents who are mentioned, the log's bound, an id that may
    have been stored longer ago than NATS remembers ids.
    """
    if (
        command.conv
        and not command.attachments
        and not command.mentions
        and not command.is_addressed
        and not context.log.is_full
        and resends.is_fresh(command.id, utc_ms())
    ):
        room = context.hub.present(who.tenant, command.conv)
        # Of a resolved one its inbox says whether it can be reopened still, which may have to be read.
        if room is not None and not (who.kind == "visitor" and room.head.status == "resolved"):
            _send_into(room, context, sender, who, command, attachments=[])
            return None
    return _send_waiting(context, sender, who, command)


async def _send_waiting(context: Context, sender: Sender, who: Who, command: Send) -> None:
    began = time.perf_counter()
    if context.log.is_full:
        # The client's next frames wait behind this one, and then its own buffers fill.
        await context.log.room_for_more(context.settings.wait_s)
    attachments = [await own_file(context, who, file) for file in command.attachments]
    await _check_mentions(context, who, command.mentions)
    if command.conv is None:
        await _send_without_conversation(context, sender, who, command, attachments)
        STORE_SECONDS.observe(time.perf_counter() - began)
        return
    async with context.hub.visit(who.tenant, command.conv) as room:
        # Files are kept, and the log is read, for those alone who may write here.
        authorise(who, "conversation.note" if command.note else "conversation.write", room)
        # Before the message that names them is stored.
        await keep(context, who, command.attachments)
        if not resends.is_fresh(command.id, utc_ms()):
            stored = await resends.find(context.log, room.subject, room.head, command.id)
            if stored is not None:
                _tell_stored(sender, who, command, stored)
                return
        await addressed.check(context, command, room.head.channel)
        is_late = who.kind == "visitor" and await _is_over(context, room.head)
        _send_into(room, context, sender, who, command, attachments=attachments, is_late=is_late)


def _send_into(
    room: Room,
    context: Context,
    sender: Sender,
    who: Who,
    command: Send,
    *,
    attachments: list[ev.Attachment],
    is_late: bool = False,
) -> None:
    began = time.perf_counter()
    authorise(who, "conversation.note" if command.note else "conversation.write", room)
    head = room.head
    if head.status == "closed" or is_late:
        raise ConflictError("conversation.closed", "The conversation is closed; send without one to open another.")
    at = utc_ms()
    event = ev.MessageAdded(
        id=command.id,
        tenant=head.tenant,
        channel=head.channel,
        conv=head.conv,
        at=at,
        by=who.actor(),
        kind=_kind(command, attachments),
        text=command.text,
        attachments=attachments,
        reply_to=command.reply_to,
        answer_to=command.answer_to if who.kind == "agent" else "",
        note=command.note,
        mentions=sorted(set(command.mentions)) if command.note else [],
        subject=command.subject,
        cc=command.cc,
    )

    def done(outcome: Stored | TrunklineError) -> None:
        STORE_SECONDS.observe(time.perf_counter() - began)
        if not isinstance(outcome, Stored):
            sender.refuse(command, outcome)
            return
        if failpoints.ARMED:
            failpoints.reach("node.stored")
        if outcome.duplicate:
            context.spawn_farewell(_look_at_stored(context, sender, who, command, room.subject, outcome.seq))
        else:
            sender.stored(command, outcome.seq, head.conv, at)

    if failpoints.ARMED:
        failpoints.reach("node.before_store")
    context.log.publish_soon(room.subject, event, done)


async def _look_at_stored(  # noqa: PLR0917 - what is looked at, where, and who is told
    context: Context, sender: Sender, who: Who, command: Send, subject: str, seq: int
) -> None:
    """NATS has an event with the id of a message: it is the same, sent again, or the id is another's."""
    try:
        found = await context.log.at(subject, seq)
        if found is None:
            raise UnknownOutcomeError(
                "log.unknown_outcome", "It can't be read back now. Send it again with the same id."
            )
        _tell_stored(sender, who, command, found)
    except TrunklineError as error:
        sender.refuse(command, error)


def _tell_stored(sender: Sender, who: Who, command: Send, found: LogEvent) -> ev.MessageAdded:
    """`ok` with what is stored. Raises ConflictError `id.taken` where that is another message."""
    stored = resends.same(found, who.id, command.text, command.attachments, note=command.note)
    sender.stored(command, found.seq, stored.conv, stored.at)
    return stored


async def _stored_before(context: Context, key: str, tenant: str, message: str) -> LogEvent | None:
    """A message that named no conversation, in the last of its contact's: it may be there since long ago."""
    kept = await contacts.contacts(context.link).get(key)
    conv = kept.value.conv if kept and isinstance(kept.value, contacts.OpenConversation) else ""
    for _ in range(resends.CONVERSATIONS):
        if not conv:
            break
        try:
            async with context.hub.visit(tenant, conv) as room:
                found = await resends.find(context.log, room.subject, room.head, message)
                conv = room.head.previous
        except NotFoundError:
            # Its key was set and its beginning never came.
            break
        if found is not None:
            return found
    return None


async def _send_without_conversation(
    context: Context, sender: Sender, who: Who, command: Send, attachments: list[ev.Attachment]
) -> None:
    if code := able(who, "conversation.write"):
        raise ForbiddenError(code, REFUSED[code])
    inbox_id = who.inbox if who.kind == "visitor" else check_name((command.to or To("")).inbox, "to.inbox")
    tenant, inbox = await context.inboxes.find(inbox_id)
    if tenant != who.tenant:
        raise InvalidInputError("inbox.not_found", "There is no such inbox.", field="to.inbox")
    if who.kind == "visitor":
        whom = Whom(who.id, who.user, who.name)
    else:
        whom = await addressed.find(context, who, inbox, command)
    await keep(context, who, command.attachments)
    if not resends.is_fresh(command.id, utc_ms()):
        key = contacts.open_key(tenant, inbox.id, whom.contact, whom.thread)
        stored = await _stored_before(context, key, tenant, command.id)
        if stored is not None:
            again = _tell_stored(sender, who, command, stored)
            context.openings.tell(tenant, whom.contact, again.conv, inbox=inbox.id, session=sender.id)
            return
    placed = await opening.place(
        context.link,
        context.log,
        context.open_streams,
        opening.Message(
            id=command.id,
            tenant=tenant,
            inbox=inbox,
            contact=whom.contact,
            contact_name=whom.name,
            source=sender.source if who.kind == "visitor" else ev.Source(),
            by=who.actor(),
            at=utc_ms(),
            kind=_kind(command, attachments),
            text=command.text,
            attachments=attachments,
            reply_to=command.reply_to,
            note=command.note,
            peer=whom.peer,
            thread=whom.thread,
            subject=command.subject,
            cc=command.cc,
        ),
    )
    if failpoints.ARMED:
        failpoints.reach("node.stored")
    # One that was sent again, too: whoever stored it first may have died before it told.
    context.openings.tell(tenant, whom.contact, placed.conv, inbox=inbox.id, session=sender.id)
    if placed.duplicate:
        subject = subjects.chat(tenant, inbox.channel, placed.conv)
        await _look_at_stored(context, sender, who, command, subject, placed.seq)
        return
    sender.stored(command, placed.seq, placed.conv, placed.at)


def _kind(command: Send, attachments: list[ev.Attachment]) -> Any:
    if attachments and command.kind == "text" and not command.text.strip():
        return "image" if attachments[0].mime.startswith("image/") else "file"
    return command.kind


async def _is_over(context: Context, head: Head) -> bool:
    if head.status != "resolved":
        return head.status == "closed"
    try:
        inbox = (await context.inboxes.find(head.inbox))[1]
    except NotFoundError:
        inbox = None
    return directory.is_over(head, inbox, utc_ms())


async def _check_mentions(context: Context, who: Who, mentions: list[str]) -> None:
    """Raises InvalidInputError `mention.unknown_agent` unless each is an agent of the tenant."""
    found = await asyncio.gather(*(directory.get_agent(context.link, who.tenant, agent) for agent in set(mentions)))
    if not all(found):
        raise InvalidInputError("mention.unknown_agent", "Mention agents of yours by their ids.", field="mentions")
