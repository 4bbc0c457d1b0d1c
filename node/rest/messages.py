"""Writing: a message into a conversation, one that opens a conversation, acts, read marks, and what an agent is.

The same use-cases as on a socket (node/commands), so that a script can do what a desk does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from msgspec import Meta, Struct

from backbone import acts
from backbone import events as ev
from backbone.commands import Address, Copies, Mark, Presence, Send, Subject, To, check_ids, wrong_with
from backbone.errors import ForbiddenError, InvalidInputError, TrunklineError
from backbone.events import AgentState, MessageKind
from node.commands import act, mark, presence, send
from node.entry.limits import refuse_for
from node.rest.contract.api import Ask, route
from node.rest.contract.requests import OptionalId
from node.rest.conversations import ConversationAt


class NewMessage(Struct, kw_only=True):
    """A message. `id`: a UUID of version 4 or 7, the same at every try; left out, it is the `Idempotency-Key`.
    `answer_to`: an agent answers the Reply-To of the customer's last mail. By mail an agent may give it a `subject` of
    its own, and say who gets a copy (`cc`; left out: whoever is in the thread).
    """

    id: OptionalId = ""
    kind: MessageKind = "text"
    text: str = ""
    attachments: Annotated[list[str], Meta(max_length=20)] = []
    reply_to: str = ""
    note: bool = False
    mentions: Annotated[list[str], Meta(max_length=50)] = []
    answer_to: Address = ""
    subject: Subject = ""
    cc: Copies = None


class FirstMessage(Struct, kw_only=True):
    """A message without a conversation. `to`: whom an agent writes to; a visitor leaves it out. By mail each begins a
    conversation of its own, also with an `address` that nobody has written from yet.
    """

    id: OptionalId = ""
    to: To | None = None
    kind: MessageKind = "text"
    text: str = ""
    attachments: Annotated[list[str], Meta(max_length=20)] = []
    note: bool = False
    subject: Subject = ""
    cc: Copies = None


class NewAct(Struct, kw_only=True):
    """What is to be done, such as {"do": "take"}. `id` as a message's."""

    id: OptionalId = ""
    act: acts.Asked


class NewMark(Struct, kw_only=True):
    """Read or received up to a sequence."""

    read: Annotated[int, Meta(ge=0)] = 0
    delivered: Annotated[int, Meta(ge=0)] = 0


class NewPresence(Struct, kw_only=True):
    """What an agent chooses to be. `capacity` 0 leaves it as it is."""

    id: OptionalId = ""
    state: AgentState
    capacity: Annotated[int, Meta(ge=0, le=100)] = 0


class StoredOut(Struct, kw_only=True):
    """Stored at a sequence of a conversation, now or by an earlier try."""

    seq: int
    conv: str


class ChosenOut(Struct):
    """Stored at a sequence of the agent's own subject."""

    seq: int


_MESSAGE = (
    "access.agents_only",
    "conversation.closed",
    "event.too_large",
    "file.not_found",
    "file.not_yours",
    "id.taken",
    "id.token",
    "id.uuid",
    "log.busy",
    "mail.address",
    "mail.not_taken",
    "mail.note",
    "mail.subject",
    "mention.unknown_agent",
    "text.empty",
    "text.invalid",
    "text.too_long",
)


class _Caller:
    """Waits for what becomes of one message."""

    id = ""
    source = ev.Source()

    def __init__(self) -> None:
        self.outcome: asyncio.Future[StoredOut] = asyncio.get_running_loop().create_future()

    def stored(self, command: Send, seq: int, conv: str, at: int) -> None:  # noqa: ARG002 - as `Sender` has it
        """The log has it."""
        if not self.outcome.done():
            self.outcome.set_result(StoredOut(seq=seq, conv=conv))

    def refuse(self, command: Send, error: TrunklineError) -> None:  # noqa: ARG002 - as `Sender` has it
        """It isn't stored, or nobody knows."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


@route(
    "POST",
    "/conversations/{conv}/messages",
    may="conversation.read",
    at=ConversationAt,
    body=NewMessage,
    answers={201: StoredOut},
    refuses=_MESSAGE,
    counts="message",
)
async def write(ask: Ask, at: ConversationAt, body: NewMessage) -> StoredOut:
    """Stores a message. The conversation must be one to write in (`conversation.write`), or, for a note of an agent's,
    to note in (`conversation.note`).
    """
    command = Send(
        id=ask.event_id(body.id),
        conv=at.conv,
        kind=body.kind,
        text=body.text,
        attachments=body.attachments,
        reply_to=body.reply_to,
        note=body.note,
        mentions=body.mentions,
        answer_to=body.answer_to,
        subject=body.subject,
        cc=body.cc,
    )
    return await _sent(ask, command)


@route(
    "POST",
    "/messages",
    may="conversation.write",
    body=FirstMessage,
    answers={201: StoredOut},
    refuses=(
        *_MESSAGE,
        "id.contact",
        (422, "contact.not_found"),
        (422, "inbox.not_found"),
        "mail.whom",
        "send.no_conversation",
    ),
    counts="message",
)
async def open_by_writing(ask: Ask, body: FirstMessage) -> StoredOut:
    """Stores a message in the contact's open conversation, or in one that opens for it; `conv` says in which."""
    command = Send(
        id=ask.event_id(body.id),
        to=body.to,
        kind=body.kind,
        text=body.text,
        attachments=body.attachments,
        note=body.note,
        subject=body.subject,
        cc=body.cc,
    )
    return await _sent(ask, command)


@route(
    "POST",
    "/conversations/{conv}/acts",
    may=("conversation.list", "conversation.read"),
    at=ConversationAt,
    body=NewAct,
    answers={200: StoredOut},
    refuses=(
        *(code for rule in acts.RULES.values() for _, code in rule.refusals if code != "conversation.yours_already"),
        acts.CLOSED,
        "assign.agent_missing",
        "assign.unknown_agent",
        "conflict",
        "id.token",
        "id.used",
        "id.uuid",
        "log.busy",
    ),
    counts="message",
)
async def do(ask: Ask, at: ConversationAt, body: NewAct) -> StoredOut:
    """Takes, assigns, releases, resolves or reopens it; each asks for the action of its own name, such as
    `conversation.take`.
    """
    done = await act.act(ask.context, ask.who, at.conv, ask.event_id(body.id), body.act)
    return StoredOut(seq=done.seq, conv=at.conv)


@route(
    "PUT",
    "/conversations/{conv}/mark",
    may="conversation.mark",
    at=ConversationAt,
    body=NewMark,
    answers={204: None},
)
async def mark_read(ask: Ask, at: ConversationAt, body: NewMark) -> None:
    """How far the visitor, or the agent whose conversation it is, has read; what isn't new changes nothing."""
    context, who = ask.context, ask.who
    due = await mark.event_of(context, who, Mark(conv=at.conv, read=body.read, delivered=body.delivered))
    if due is None:
        return
    rate, now = mark.rate(context, who), time.monotonic()
    context.quotas.hold([rate], now)
    refuse_for(rate.take(now))
    await context.log.publish(*due)


@route(
    "PUT",
    "/me/presence",
    may="presence.choose",
    body=NewPresence,
    answers={200: ChosenOut},
    refuses=("id.uuid", "log.busy"),
    counts="message",
)
async def choose(ask: Ask, body: NewPresence) -> ChosenOut:
    """Online, busy, away or offline, until the agent chooses otherwise."""
    chosen = Presence(id=ask.event_id(body.id), state=body.state, capacity=body.capacity)
    return ChosenOut((await presence.choose(ask.context, ask.who, chosen)).seq)


async def _sent(ask: Ask, command: Send) -> StoredOut:
    """Sends it and waits for the log. Raises what refuses it."""
    check_ids(command)
    if wrong := wrong_with(command, ask.who.kind, ask.context.settings.text_bytes):
        kind = ForbiddenError if wrong.code.startswith("access.") else InvalidInputError
        raise kind(wrong.code, wrong.text, field=wrong.field)
    caller = _Caller()
    if work := send.send(ask.context, caller, ask.who, command):
        await work
    return await caller.outcome
