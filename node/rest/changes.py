"""Changing and withdrawing a message of one's own, where its channel allows."""

from __future__ import annotations

from msgspec import Struct

from backbone.commands import Edit, Recall
from node.commands import change
from node.rest.contract.api import Ask, route
from node.rest.contract.requests import Conv, MessageId, OptionalId
from node.rest.messages import StoredOut


class MessageAt(Struct):
    """One message of a conversation."""

    conv: Conv
    message: MessageId


class NewText(Struct, kw_only=True):
    """What a message says from now on. `id` of the change: left out, it is the `Idempotency-Key`."""

    id: OptionalId = ""
    text: str


_REFUSES = (
    "id.uuid",
    "log.busy",
    "message.channel_keeps",
    "message.elsewhere",
    "message.not_found",
    "message.not_yours",
    "message.too_late",
    "message.withdrawn",
)


@route(
    "PUT",
    "/conversations/{conv}/messages/{message}",
    may="conversation.read",
    at=MessageAt,
    body=NewText,
    answers={200: StoredOut},
    refuses=(*_REFUSES, "message.fixed", "text.empty", "text.invalid", "text.too_long"),
    counts="message",
)
async def edit(ask: Ask, at: MessageAt, body: NewText) -> StoredOut:
    """Gives a message another text. What the customer's platform refuses is told in the conversation."""
    command = Edit(id=ask.event_id(body.id), conv=at.conv, target=at.message, text=body.text)
    return StoredOut(seq=(await change.change(ask.context, ask.who, command)).seq, conv=at.conv)


@route(
    "DELETE",
    "/conversations/{conv}/messages/{message}",
    may="conversation.read",
    at=MessageAt,
    answers={200: StoredOut},
    refuses=_REFUSES,
    counts="message",
)
async def recall(ask: Ask, at: MessageAt) -> StoredOut:
    """Withdraws a message. What the customer's platform refuses is told in the conversation."""
    command = Recall(id=ask.event_id(""), conv=at.conv, target=at.message)
    return StoredOut(seq=(await change.change(ask.context, ask.who, command)).seq, conv=at.conv)
