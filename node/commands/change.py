"""Changing and withdrawing a message of one's own."""

from __future__ import annotations

from typing import Any, Final

from backbone import changes, directory
from backbone import events as ev
from backbone.access import Who
from backbone.changes import Allowed
from backbone.clock import utc_ms
from backbone.commands import Edit, Recall, wrong_text
from backbone.decide import naming, parse_tolerant
from backbone.errors import InvalidInputError, NotFoundError
from backbone.ids import check_client_uuid, check_uuid
from node import resends
from node.commands.answer import Answer
from node.commands.authorise import authorise
from node.context import Context
from node.rooms.room import Room

LOOK_AHEAD: Final = 20_000


async def change(context: Context, who: Who, command: Edit | Recall) -> Answer:
    """Stores the change, or finds it stored by the same id; the channel has it done at its platform.

    Raises NotFoundError `message.not_found`, InvalidInputError `text.too_long` or `text.invalid`, and what
    `changes.refusal` says.
    """
    check_client_uuid(command.id)
    check_uuid(command.target, "target")
    text = command.text if isinstance(command, Edit) else None
    if text is not None and (wrong := wrong_text(text, context.settings.text_bytes)):
        raise InvalidInputError(wrong.code, wrong.text, field=wrong.field)
    async with context.hub.visit(who.tenant, command.conv) as room:
        authorise(who, "conversation.read", room)
        message, again = await _message(context, room, command)
        authorise(who, "conversation.note" if message.added.note else "conversation.write", room)
        if again is not None:
            return again
        is_withdrawal = text is None
        allowed = await _allowed(context, room, note=message.added.note, is_withdrawal=is_withdrawal)
        now_ms = utc_ms()
        if refused := changes.refusal(message, who.id, text, allowed, now_ms):
            raise refused
        head = room.head
        told: dict[str, Any] = {
            "id": command.id,
            "tenant": head.tenant,
            "channel": head.channel,
            "conv": head.conv,
            "at": now_ms,
            "by": who.actor(),
            "target": command.target,
            "note": message.added.note,
        }
        event = ev.MessageRecalled(**told) if text is None else ev.MessageEdited(**told, text=text)
        stored = await context.log.publish(room.subject, event)
        return Answer(stored.seq, head.conv, now_ms)


async def _message(context: Context, room: Room, command: Edit | Recall) -> tuple[changes.Message, Answer | None]:
    """The message as it is now, and where this very change is stored if it is asked again."""
    found = await resends.find(context.log, room.subject, room.head, command.target)
    added = parse_tolerant(found.raw) if found else None
    if found is None or not isinstance(added, ev.MessageAdded):
        raise NotFoundError("message.not_found", "There is no such message.", field="target")
    later = list(naming(command.target, await context.log.replay_all(room.subject, found.seq, LOOK_AHEAD)))
    again = next((Answer(seq, command.conv, one.at) for seq, one in later if one.id == command.id), None)
    return changes.now(added, [one for _, one in later]), again


async def _allowed(context: Context, room: Room, *, note: bool, is_withdrawal: bool) -> Allowed:
    """What the conversation's channel lets be done; of a note, and where customers come to a node, always."""
    if note or room.head.channel in directory.VISITED:
        return changes.ALWAYS
    about = await context.channels.find(room.head.channel)
    if is_withdrawal:
        return Allowed(about.recalls, about.recall_s)
    return Allowed(about.edits, about.edit_s)
