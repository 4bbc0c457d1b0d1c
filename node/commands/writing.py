"""The frames that write: `send`, `act`, `mark`, `signal`, `presence`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import msgspec

from backbone import contacts, directory, failpoints, opening
from backbone import events as ev
from backbone.acts import Act
from backbone.clock import utc_ms
from backbone.conversation import Head, closed_for_good
from backbone.decide import decide
from backbone.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TrunklineError,
    UnknownOutcomeError,
)
from backbone.ids import check_contact, check_name, new_event_id
from backbone.log import LogEvent, Stored
from backbone.nats import subjects
from backbone.presence import state_event
from node import resends
from node.commands.reading import authorise
from node.metrics import STORE_SECONDS
from node.protocol import frames as f
from node.rooms.marks import Marks, mark_rate
from node.rooms.room import LiveSignal, Room

if TYPE_CHECKING:
    from backbone.access import Who
    from node.context import Context
    from node.socket import Socket


def send(context: Context, socket: Socket, who: Who, frame: f.Send) -> Coroutine[Any, Any, None] | None:
    """Stores a message; `ok` follows when the log has acknowledged it.

    Most messages are published before this returns. What must be waited for comes back as a coroutine: a
    conversation nobody here is attached to, a file's record, agents who are mentioned, the log's bound, an id that may
    have been stored longer ago than NATS remembers ids.
    """
    if (
        frame.conv
        and not frame.attachments
        and not frame.mentions
        and not context.log.is_full
        and resends.is_fresh(frame.id, utc_ms())
    ):
        room = context.hub.present(who.tenant, frame.conv)
        if room is not None:
            _send_into(room, context, socket, who, frame, attachments=[])
            return None
    return _send_waiting(context, socket, who, frame)


async def _send_waiting(context: Context, socket: Socket, who: Who, frame: f.Send) -> None:
    began = time.perf_counter()
    if context.log.is_full:
        # The client's next frames wait behind this one, and then its own buffers fill.
        await context.log.room_for_more(context.settings.wait_s)
    attachments = [await own_file(context, who, file) for file in frame.attachments]
    await _check_mentions(context, who, frame.mentions)
    if frame.conv is None:
        await _send_without_conversation(context, socket, who, frame, attachments)
        STORE_SECONDS.observe(time.perf_counter() - began)
        return
    async with context.hub.visit(who.tenant, frame.conv) as room:
        # Files are kept, and the log is read, for those alone who may write here.
        authorise(who, "write_note" if frame.note else "write", room)
        # Before the message that names them is stored.
        await keep(context, who, frame.attachments)
        if not resends.is_fresh(frame.id, utc_ms()):
            stored = await resends.find(context.log, room.subject, room.head, frame.id)
            if stored is not None:
                _tell_stored(socket, who, frame, stored)
                return
        _send_into(room, context, socket, who, frame, attachments=attachments)


def _send_into(
    room: Room, context: Context, socket: Socket, who: Who, frame: f.Send, *, attachments: list[ev.Attachment]
) -> None:
    began = time.perf_counter()
    authorise(who, "write_note" if frame.note else "write", room)
    head = room.head
    if head.status in {"closed", "resolved"} and (
        head.status == "closed" or (who.kind == "visitor" and _is_over(head))
    ):
        raise ConflictError("conversation.closed", "The conversation is closed; send without one to open another.")
    at = utc_ms()
    event = ev.MessageAdded(
        id=frame.id,
        tenant=head.tenant,
        channel=head.channel,
        conv=head.conv,
        at=at,
        by=who.actor(),
        kind=_kind(frame, attachments),
        text=frame.text,
        attachments=attachments,
        reply_to=frame.reply_to,
        answer_to=frame.answer_to if who.kind == "agent" else "",
        note=frame.note,
        mentions=sorted(set(frame.mentions)) if frame.note else [],
    )

    def done(outcome: Stored | TrunklineError) -> None:
        STORE_SECONDS.observe(time.perf_counter() - began)
        if not isinstance(outcome, Stored):
            socket.refuse(frame, outcome)
            return
        if failpoints.ARMED:
            failpoints.reach("node.stored")
        if outcome.duplicate:
            context.spawn_farewell(_look_at_stored(context, socket, who, frame, room.subject, outcome.seq))
        else:
            socket.connection.push(f.ok_frame(frame.id, outcome.seq, head.conv, at))

    if failpoints.ARMED:
        failpoints.reach("node.before_store")
    context.log.publish_soon(room.subject, event, done)


async def _look_at_stored(  # noqa: PLR0917 - what is looked at, where, and who is told
    context: Context, socket: Socket, who: Who, frame: f.Send, subject: str, seq: int
) -> None:
    """NATS has an event with the id of a message: it is the same, sent again, or the id is another's."""
    try:
        found = await context.log.at(subject, seq)
        if found is None:
            raise UnknownOutcomeError(
                "log.unknown_outcome", "It can't be read back now. Send it again with the same id."
            )
        _tell_stored(socket, who, frame, found)
    except TrunklineError as error:
        socket.refuse(frame, error)


def _tell_stored(socket: Socket, who: Who, frame: f.Send, found: LogEvent) -> ev.MessageAdded:
    """`ok` with what is stored. Raises ConflictError `id.taken` where that is another message."""
    stored = resends.same(found, who.id, frame.text, frame.attachments, note=frame.note)
    socket.connection.push(f.ok_frame(frame.id, found.seq, stored.conv, stored.at))
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
    context: Context, socket: Socket, who: Who, frame: f.Send, attachments: list[ev.Attachment]
) -> None:
    if who.kind == "visitor":
        inbox_id, contact = who.inbox, who.id
    else:
        to = frame.to or f.To("", "")
        inbox_id, contact = check_name(to.inbox, "to.inbox"), check_contact(to.contact, "to.contact")
    tenant, inbox = await context.inboxes.find(inbox_id)
    if tenant != who.tenant:
        raise InvalidInputError("inbox.not_found", "There is no such inbox.", field="to.inbox")
    await keep(context, who, frame.attachments)
    if not resends.is_fresh(frame.id, utc_ms()):
        stored = await _stored_before(context, contacts.open_key(tenant, inbox.id, contact), tenant, frame.id)
        if stored is not None:
            again = _tell_stored(socket, who, frame, stored)
            context.openings.tell(tenant, contact, again.conv, inbox=inbox.id, session=socket.id)
            return
    peer, name = who.user, who.name
    if who.kind == "agent":
        if not await contacts.is_known(context.link, tenant, contact):
            raise InvalidInputError("contact.not_found", "There is no such contact.", field="to.contact")
        peer, name = await contacts.find_peer(context.link, tenant, contact), ""
    placed = await opening.place(
        context.link,
        context.log,
        context.open_streams,
        opening.Message(
            id=frame.id,
            tenant=tenant,
            inbox=inbox,
            contact=contact,
            contact_name=name,
            source=socket.source if who.kind == "visitor" else ev.Source(),
            by=who.actor(),
            at=utc_ms(),
            kind=_kind(frame, attachments),
            text=frame.text,
            attachments=attachments,
            reply_to=frame.reply_to,
            note=frame.note,
            peer=peer,
        ),
    )
    if failpoints.ARMED:
        failpoints.reach("node.stored")
    # One that was sent again, too: whoever stored it first may have died before it told.
    context.openings.tell(tenant, contact, placed.conv, inbox=inbox.id, session=socket.id)
    if placed.duplicate:
        subject = subjects.chat(tenant, inbox.channel, placed.conv)
        await _look_at_stored(context, socket, who, frame, subject, placed.seq)
        return
    socket.connection.push(f.encode(f.Ok(id=frame.id, seq=placed.seq, conv=placed.conv, at=placed.at)))


async def act(context: Context, socket: Socket, who: Who, frame: f.Act) -> None:
    """Takes, assigns, releases, resolves or reopens; a lost race is told with the event that decided."""
    async with context.hub.visit(who.tenant, frame.conv) as room:
        authorise(who, "act", room)
        agent = await _whom(context, who, frame, room.head)
        command = Act(
            id=frame.id,
            do=frame.do,
            by=who.actor(),
            at=utc_ms(),
            agent=agent,
            why=frame.args.reason,
            reason=ev.AssignmentReason(rule=frame.do) if frame.do in {"take", "assign"} else None,
        )
        try:
            decided = await decide(context.log, room.head, command)
        except ConflictError as conflict:
            if conflict.code == "conversation.yours_already":
                socket.connection.push(f.encode(f.Ok(id=frame.id, seq=room.head.seq, conv=frame.conv)))
                return
            raise
        if failpoints.ARMED:
            failpoints.reach("node.stored")
        socket.connection.push(f.encode(f.Ok(id=frame.id, seq=decided.seq, conv=frame.conv, at=command.at)))


async def mark(context: Context, socket: Socket, who: Who, frame: f.Mark) -> None:
    """Stores how far the visitor or the owner has read; merged, at most one in three seconds a reader."""
    async with context.hub.visit(who.tenant, frame.conv) as room:
        authorise(who, "mark", room)
        head = room.head
        reader = "visitor" if who.kind == "visitor" else who.id
        if who.kind == "agent" and head.agent != who.id:
            return
        if head.last is None or head.last.by.id == who.id:
            return
        read = min(frame.read, head.seq)
        if read <= head.read.get(reader, 0) and not frame.delivered:
            return
        event = ev.ReadMarked(
            id=new_event_id(),
            tenant=head.tenant,
            channel=head.channel,
            conv=head.conv,
            at=utc_ms(),
            by=who.actor(),
            reader=reader,
            read=read,
            delivered=min(frame.delivered, head.seq),
        )
    if socket.marks is None:
        socket.marks = Marks(context.log, mark_rate(context, who))
    socket.marks.put(head.conv, room.subject, event)


async def signal(context: Context, socket: Socket, who: Who, frame: f.Signal) -> None:
    """Tells whoever is attached that somebody types or looks; stored nowhere."""
    view = socket.views.get(frame.conv)
    if view is None:
        raise InvalidInputError("signal.not_subscribed", "Subscribe to the conversation first.", field="conv")
    # It may have become somebody else's since.
    authorise(who, "signal", view.room)
    signalled = f.Signalled(
        conv=frame.conv,
        kind=frame.kind,
        by=who.id,
        by_kind=who.kind,
        name=who.name,
        text=frame.text if who.kind == "visitor" else "",
    )
    context.log.signal(view.room.subject, msgspec.json.encode(LiveSignal(socket.id, signalled)))
    head = view.room.head
    if who.kind == "agent" and frame.kind != "viewing" and head.channel not in directory.VISITED:
        # The platform shows it, if its channel can tell it.
        context.link.publish_raw(subjects.typing(head.channel, head.conv, head.tenant), frame.kind.encode())


async def presence(context: Context, socket: Socket, who: Who, frame: f.Presence) -> None:
    """Stores what an agent chose to be."""
    event = state_event(
        who.tenant,
        who.id,
        frame.state,
        by=who.actor(),
        at=utc_ms(),
        reason="chosen",
        capacity=frame.capacity,
        event_id=frame.id,
    )
    stored = await context.log.publish(subjects.desk(who.tenant, who.id), event)
    socket.connection.push(f.encode(f.Ok(id=frame.id, seq=stored.seq, at=event.at)))


def _kind(frame: f.Send, attachments: list[ev.Attachment]) -> Any:
    if attachments and frame.kind == "text" and not frame.text.strip():
        return "image" if attachments[0].mime.startswith("image/") else "file"
    return frame.kind


def _is_over(head: Head) -> bool:
    return closed_for_good(head, utc_ms(), directory.REOPEN_WINDOW_S * 1000)


async def keep(context: Context, who: Who, files: list[str]) -> None:
    """A message will name these files. Raises NotFoundError `file.not_found` for one that waited too long."""
    for file in files:
        await context.waiting.keep(who.tenant, file)


async def own_file(context: Context, who: Who, file: str) -> ev.Attachment:
    """A file that `who` uploaded. Raises NotFoundError, ForbiddenError `file.not_yours`."""
    record, owner = await context.files.record(who.tenant, file)
    if owner != who.id:
        raise ForbiddenError("file.not_yours", "Attach files that you uploaded yourself.", field="attachments")
    return record


async def _check_mentions(context: Context, who: Who, mentions: list[str]) -> None:
    """Raises InvalidInputError `mention.unknown_agent` unless each is an agent of the tenant."""
    found = await asyncio.gather(*(directory.get_agent(context.link, who.tenant, agent) for agent in set(mentions)))
    if not all(found):
        raise InvalidInputError("mention.unknown_agent", "Mention agents of yours by their ids.", field="mentions")


async def _whom(context: Context, who: Who, frame: f.Act, head: Head) -> str:
    """The agent an act concerns."""
    match frame.do:
        case "take" | "reopen":
            return who.id
        case "release":
            return head.agent if who.role in {"admin", "supervisor"} else who.id
        case "assign":
            if not frame.args.agent:
                raise InvalidInputError("assign.agent_missing", "Say to whom.", field="args.agent")
            found = await directory.get_agent(context.link, who.tenant, check_name(frame.args.agent, "args.agent"))
            if found is None or not found.active:
                raise InvalidInputError("assign.unknown_agent", "There is no such agent.", field="args.agent")
            return found.id
        case "resolve":
            return who.id
