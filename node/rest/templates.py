"""`/api/v1/inboxes/{inbox}/templates` and `/api/v1/conversations/{conv}/template`: what a platform has approved to be
sent while its window is closed, and sending it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from backbone import directory
from backbone import events as ev
from backbone.accounts import templates
from backbone.asks.accounts import TEMPLATES, Which
from backbone.channel import FileKind, Template
from backbone.clock import utc_ms
from backbone.conversation import Head
from backbone.errors import ConflictError, InvalidInputError, NotFoundError
from backbone.ids import check_uuid
from backbone.nats import rpc
from node import resends
from node.commands.authorise import authorise
from node.commands.files import keep, own_file
from node.context import Context
from node.rest.accounts import InboxAt
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page, Paged, page
from node.rest.contract.requests import OptionalId
from node.rest.conversations import ConversationAt

WITHIN_S = 20.0
_PLATFORM = ("template.busy", "template.refused", "rpc.busy")


class Chosen(Struct, kw_only=True):
    """A template with its values, in the order of its places. `id` is the message's, the same at every try; `file` is
    an uploaded one, where the template wants one above its text.
    """

    id: OptionalId = ""
    name: Annotated[str, Meta(min_length=1, max_length=512)]
    language: Annotated[str, Meta(max_length=32)]
    values: Annotated[list[str], Meta(max_length=50)] = []
    file: str = ""


class TemplateOut(Struct, kw_only=True):
    """A template with the places that want a value, and the kind of the file that stands above its text."""

    name: str
    language: str
    text: str
    places: list[str]
    file: FileKind


class SentOut(Struct):
    """Where it is stored."""

    seq: int


@route(
    "GET",
    "/inboxes/{inbox}/templates",
    may="conversation.list",
    at=InboxAt,
    query=Paged,
    answers={200: Page[TemplateOut]},
    refuses=("inbox.not_found", *_PLATFORM),
)
async def list_templates(ask: Ask, at: InboxAt, query: Paged) -> Page[TemplateOut]:
    """The approved ones."""
    items = [
        TemplateOut(
            name=one.name, language=one.language, text=one.text, places=templates.places(one.text), file=one.file
        )
        for one in await _of(ask.context, ask.who.tenant, at.inbox)
    ]
    return page(items, lambda one: f"{one.name}:{one.language}", query)


@route(
    "POST",
    "/conversations/{conv}/template",
    may=("conversation.list", "conversation.write"),
    at=ConversationAt,
    body=Chosen,
    answers={201: SentOut},
    refuses=(
        "conversation.closed",
        "inbox.not_found",
        "channel.not_found",
        "template.not_found",
        "template.file",
        "template.values",
        "file.not_found",
        "file.not_yours",
        "id.uuid",
        "id.taken",
        *_PLATFORM,
    ),
    counts="message",
)
async def send(ask: Ask, at: ConversationAt, body: Chosen) -> SentOut:
    """Stores it as a message of the agent's: its text is the template's as the platform has it now, with the values
    filled in.
    """
    context, who, conv = ask.context, ask.who, at.conv
    message = ask.event_id(body.id)
    file = await own_file(context, who, check_uuid(body.file, "file")) if body.file else None
    async with context.hub.visit(who.tenant, conv) as room:
        authorise(who, "conversation.write", room)
        _check_open(room.head)
        found = await _of(context, who.tenant, room.head.inbox)
        template = next((one for one in found if (one.name, one.language) == (body.name, body.language)), None)
        if template is None:
            raise NotFoundError("template.not_found", "The platform has no such template.", field="name")
        if wrong := templates.problem(template, body.values):
            raise InvalidInputError("template.values", wrong, field="values")
        about = await context.channels.find(room.head.channel)
        if wrong := templates.file_problem(template, file, about.media_types, about.media_bytes):
            raise InvalidInputError("template.file", wrong, field="file")
        head = room.head
        _check_open(head)
        await keep(context, who, [body.file] if body.file else [])
        event = ev.MessageAdded(
            id=message,
            tenant=head.tenant,
            channel=head.channel,
            conv=head.conv,
            at=utc_ms(),
            by=who.actor(),
            kind=template.file or "text",
            text=templates.filled(template, body.values),
            parts=[templates.part(template, body.values)],
            attachments=[file] if file else [],
        )
        if not resends.is_fresh(message, utc_ms()):
            before = await resends.find(context.log, room.subject, head, message)
            if before is not None:
                resends.same(before, who.id, event.text, [body.file] if body.file else [], note=False)
                return SentOut(before.seq)
        stored = await context.log.publish(room.subject, event)
    return SentOut(stored.seq)


def _check_open(head: Head) -> None:
    if head.status in {"closed", "resolved"}:
        raise ConflictError("conversation.closed", "The conversation is over; reopen it first.")


async def _of(context: Context, tenant: str, inbox: str) -> list[Template]:
    owner, record = await directory.find_inbox(context.link, inbox)
    if owner != tenant:
        raise NotFoundError("inbox.not_found", "There is no such inbox.", field="inbox")
    about = (await context.channels.all()).get(record.channel)
    if about is None or not about.templates:
        return []
    return await rpc.ask(context.link, record.channel, tenant, TEMPLATES, Which(inbox), timeout_s=WITHIN_S)
