"""`/api/v1/conversations`: rows of a view, and a conversation's events with the stored bytes."""

from __future__ import annotations

import re

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from backbone import events as ev
from backbone.access import Who, scope
from backbone.errors import InvalidInputError, NotFoundError
from backbone.ids import check_conversation
from node.commands.authorise import authorise
from node.rest.requests import NO_STORE, agent_asks, answer, context_of, limit_of, number, place, who_asks
from node.rooms import pages
from node.rooms.views import order

VIEW = re.compile(r"mine|queue|all|mentions|snoozed|team:[A-Za-z0-9_-]{1,64}")


async def list_conversations(request: Request) -> Response:
    """`GET /api/v1/conversations?view=&limit=&after=`: rows in the view's order; `next` is the last row's id."""
    context = context_of(request)
    who = await agent_asks(request, "conversation.list")
    view = request.query_params.get("view", "all")
    if not VIEW.fullmatch(view):
        raise InvalidInputError(
            "query.invalid", "view is mine, queue, all, mentions, snoozed or team:<id>.", field="view"
        )
    limit = limit_of(request, 50, 200)
    mirror = await context.mirrors.of(who.tenant)
    rows = mirror.rows(view, who.id, scope(who))
    after = request.query_params.get("after", "")
    if after:
        known = mirror.heads.get(check_conversation(after, "after"))
        if known is None:
            raise InvalidInputError("query.invalid", "after is no longer in the view; begin again.", field="after")
        rows = [row for row in rows if order(row, view) > order(known, view)]
    page = rows[:limit]
    return answer({"items": page, "next": page[-1].conv if len(rows) > limit else None})


async def list_events(request: Request) -> Response:
    """`GET /api/v1/conversations/{id}/events?after=&limit=`: events after a sequence, the stored bytes in place."""
    context = context_of(request)
    who = await who_asks(request)
    conv = check_conversation(request.path_params["conv"], "id")
    after = number(request, "after", 0, 0, 2**53)
    limit = limit_of(request, 100, 500)
    async with context.hub.visit(who.tenant, conv) as room:
        authorise(who, "conversation.read", room)
        page = await pages.after(context.log, room.subject, after, limit)
        if page is None:
            raise InvalidInputError("query.invalid", "after is no event of this conversation.", field="after")
        epochs = await context.hub.epochs(conv)
    events = _shown(who, page.events)
    body = {
        "epoch": epochs.number(page.upto) if page.upto else epochs.now,
        "events": [(seq, prev, msgspec.Raw(raw)) for seq, prev, raw in events],
        "next": page.upto if page.more else None,
    }
    return answer(body)


async def open_file(request: Request) -> Response:
    """`GET /api/v1/conversations/{id}/files/{seq}/{n}`: to a link of 5 minutes, for who may see the event."""
    context = context_of(request)
    who = await who_asks(request)
    conv = check_conversation(request.path_params["conv"], "id")
    seq, n = place(request, "seq"), place(request, "n")
    async with context.hub.visit(who.tenant, conv) as room:
        authorise(who, "conversation.read", room)
        found = await context.log.at(room.subject, seq)
    event = _event_with_files(found.raw) if found else None
    if found is None or event is None or not _shown(who, [(seq, 0, found.raw)]):
        raise NotFoundError("file.not_found", "There is no such file.")
    if n >= len(event.attachments):
        raise NotFoundError("file.not_found", "There is no such file.", field="n")
    file = event.attachments[n]
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
