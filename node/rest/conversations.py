"""`/api/v1/conversations`: rows of a view, and a conversation's events with the stored bytes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.responses import RedirectResponse, Response

from backbone import events as ev
from backbone.access import Who, scope
from backbone.conversation import Head
from backbone.errors import InvalidInputError, NotFoundError
from backbone.ids import check_conversation
from node.commands.authorise import authorise
from node.rest.contract.api import Ask, Media, route
from node.rest.contract.paging import Page
from node.rest.contract.requests import MOST, NO_STORE, Conv, Place
from node.rooms import pages
from node.rooms.views import order

Stored = Annotated[msgspec.Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/Event"})]
"""An event as it is stored, spliced in without decoding it."""


class ConversationAt(Struct):
    """One conversation."""

    conv: Conv


class FileAt(Struct):
    """The n-th file of the event at a sequence."""

    conv: Conv
    seq: Place
    n: Place


class Rows(Struct, kw_only=True):
    """Which view, and which page of it."""

    view: Annotated[
        str,
        Meta(
            pattern="^(mine|queue|all|mentions|snoozed|team:[A-Za-z0-9_-]{1,64})$",
            description="mine, queue, all, mentions, snoozed or team:<id>",
        ),
    ] = "all"
    after: Annotated[str, Meta(max_length=64, description="the `next` of the page before")] = ""
    limit: Annotated[int, Meta(ge=1, le=200, description="a whole number from 1 to 200")] = 50


class After(Struct, kw_only=True):
    """Events after a sequence."""

    after: Annotated[int, Meta(ge=0, le=MOST, description="a sequence, the `next` of the page before")] = 0
    limit: Annotated[int, Meta(ge=1, le=500, description="a whole number from 1 to 500")] = 100


class EventsPage(Struct, kw_only=True):
    """Events ascending, each as [sequence, sequence of the one before, event]. `next` is null on the last page."""

    epoch: int
    events: list[tuple[int, int, Stored]]
    next: int | None


@route("GET", "/conversations", may="conversation.list", query=Rows, answers={200: Page[Head]})
async def list_conversations(ask: Ask, query: Rows) -> Page[Head]:
    """Rows of a view, in its order."""
    who = ask.who
    mirror = await ask.context.mirrors.of(who.tenant)
    rows = mirror.rows(query.view, who.id, scope(who))
    if query.after:
        known = mirror.heads.get(check_conversation(query.after, "after"))
        if known is None:
            raise InvalidInputError("query.invalid", "after is no longer in the view; begin again.", field="after")
        rows = [row for row in rows if order(row, query.view) > order(known, query.view)]
    shown = rows[: query.limit]
    return Page(items=shown, next=shown[-1].conv if len(rows) > query.limit else None)


@route(
    "GET",
    "/conversations/{conv}/events",
    may="conversation.read",
    at=ConversationAt,
    query=After,
    answers={200: EventsPage},
)
async def list_events(ask: Ask, at: ConversationAt, query: After) -> EventsPage:
    """Events after a sequence, the stored bytes in place; a visitor gets those that visitors may see."""
    context, who = ask.context, ask.who
    async with context.hub.visit(who.tenant, at.conv) as room:
        authorise(who, "conversation.read", room)
        found = await pages.after(context.log, room.subject, query.after, query.limit)
        if found is None:
            raise InvalidInputError("query.invalid", "after is no event of this conversation.", field="after")
        epochs = await context.hub.epochs(at.conv)
    return EventsPage(
        epoch=epochs.number(found.upto) if found.upto else epochs.now,
        events=[(seq, prev, msgspec.Raw(raw)) for seq, prev, raw in _shown(who, found.events)],
        next=found.upto if found.more else None,
    )


@route(
    "GET",
    "/conversations/{conv}/files/{seq}/{n}",
    may="conversation.read",
    at=FileAt,
    answers={302: Media()},
    refuses=("file.not_found",),
)
async def open_file(ask: Ask, at: FileAt) -> Response:
    """To a link of 5 minutes, for who may see the event."""
    context, who = ask.context, ask.who
    async with context.hub.visit(who.tenant, at.conv) as room:
        authorise(who, "conversation.read", room)
        found = await context.log.at(room.subject, at.seq)
    event = _event_with_files(found.raw) if found else None
    if found is None or event is None or not _shown(who, [(at.seq, 0, found.raw)]):
        raise NotFoundError("file.not_found", "There is no such file.")
    if at.n >= len(event.attachments):
        raise NotFoundError("file.not_found", "There is no such file.", field="n")
    file = event.attachments[at.n]
    signed = context.signer.file_link(who.tenant, file.file, file.name, file.mime)
    return RedirectResponse(f"/files/{signed}", 302, NO_STORE)


def _shown(who: Who, events: list[pages.Numbered]) -> list[pages.Numbered]:
    return pages.for_visitors(events) if who.kind == "visitor" else events


def _event_with_files(raw: bytes) -> ev.MessageAdded | ev.MessageEdited | None:
    try:
        event = ev.parse(raw)
    except msgspec.DecodeError:
        return None
    return event if isinstance(event, ev.MessageAdded | ev.MessageEdited) else None
