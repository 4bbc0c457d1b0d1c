"""`/api/v1/inboxes`, `/api/v1/visitors`: where customers write, and who a visitor is."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from backbone import directory
from backbone.errors import NotAuthenticatedError, NotFoundError
from backbone.ids import new_contact_id
from node.origins import address
from node.rest.accounts import health_of
from node.rest.requests import admin_asks, agent_asks, answer, body_of, check_rate, context_of

VISITED: Final = frozenset({"web", "app"})
"""Channels whose customers come to a node themselves; those of the others come through their provider alone."""


class NewVisitor(Struct):
    """Who comes to an inbox; with the old token they stay the same person."""

    inbox: str
    token: str = ""


async def list_inboxes(request: Request) -> Response:
    """`GET /api/v1/inboxes`: the tenant's inboxes; with `?health=true`, for admins, how each account is."""
    context = context_of(request)
    wants_health = request.query_params.get("health") == "true"
    who = await (admin_asks(request) if wants_health else agent_asks(request, "list"))
    found = await directory.list_inboxes(context.link, who.tenant)
    health = await health_of(request, who, found) if wants_health else {}
    items = [
        {
            "id": inbox.id,
            "channel": inbox.channel,
            "name": inbox.name,
            "origins": inbox.origins,
            "accent": inbox.accent,
            "greeting": inbox.greeting,
            **({"health": health.get(inbox.id)} if wants_health else {}),
        }
        for inbox in found
    ]
    return answer({"items": items, "next": None})


async def widget(request: Request) -> Response:
    """`GET /api/v1/inboxes/{inbox}/widget`: what a visitor sees before writing; public."""
    _, inbox = await context_of(request).inboxes.find(request.path_params["inbox"])
    return answer(
        {
            "id": inbox.id,
            "name": inbox.name,
            "accent": inbox.accent,
            "greeting": inbox.greeting,
            "locale": inbox.locale,
        }
    )


async def visitor(request: Request) -> Response:
    """`POST /api/v1/visitors`: a token for a new visitor, or a fresh one for the visitor of the old token."""
    context = context_of(request)
    body = await body_of(request, NewVisitor)
    tenant, inbox = await context.inboxes.find(body.inbox)
    if inbox.channel not in VISITED:
        raise NotFoundError("inbox.not_found", "There is no such inbox.", field="inbox")
    contact = ""
    if body.token:
        try:
            claims = context.signer.visitor(body.token)
        except NotAuthenticatedError:
            # An old or broken token makes nobody: they begin as someone new.
            claims = None
        if claims and (claims.tenant, claims.inbox) == (tenant, inbox.id):
            contact = claims.contact
    if not contact:
        check_rate(context.new_visitors, address(request), time.monotonic())
        contact = new_contact_id()
    token = context.signer.visitor_token(tenant, inbox.id, contact)
    return answer({"token": token, "contact": contact})
