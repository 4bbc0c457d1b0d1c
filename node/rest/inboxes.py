"""`/api/v1/inboxes`: where customers write."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from backbone import directory
from node.rest.accounts import health_of
from node.rest.requests import agent_asks, answer, context_of


async def list_inboxes(request: Request) -> Response:
    """`GET /api/v1/inboxes`: the tenant's inboxes; with `?health=true`, for admins, how each account is."""
    context = context_of(request)
    wants_health = request.query_params.get("health") == "true"
    who = await agent_asks(request, "inbox.manage" if wants_health else "inbox.list")
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
