"""`/api/v1/channels`: what each channel allows, for every desk; the form and the steps of an account, for admins."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from node.rest.requests import NO_STORE, agent_asks, answer, context_of


async def list_channels(request: Request) -> Response:
    """`GET /api/v1/channels`: limits, windows and reasons in words of each channel."""
    await agent_asks(request, "inbox.list")
    items = [
        {
            "name": one.name,
            "kinds": one.kinds,
            "text": {"most": one.text[0], "measure": one.text[1]},
            "together": one.together,
            "caption": one.caption,
            "media_bytes": one.media_bytes,
            "media_types": one.media_types,
            "links": one.links,
            "windows": one.windows,
            "receipts": one.receipts,
            "templates": one.templates,
            "phrases": one.phrases,
            "problem": one.problem,
        }
        for one in (await context_of(request).channels.all()).values()
    ]
    return answer({"items": items, "next": None})


async def channel(request: Request) -> Response:
    """`GET /api/v1/channels/{name}`: the form of an account; for admins."""
    await agent_asks(request, "inbox.manage")
    found = await context_of(request).channels.find(request.path_params["name"])
    return answer(
        {
            "name": found.name,
            "fields": found.fields,
            "callbacks": found.callbacks,
            "can_check": found.can_check,
            "has_guide": bool(found.guide),
            "problem": found.problem,
        }
    )


async def guide(request: Request) -> Response:
    """`GET /api/v1/channels/{name}/guide`: what the platform wants of its side, step by step, as text; for admins."""
    await agent_asks(request, "inbox.manage")
    found = await context_of(request).channels.find(request.path_params["name"])
    headers = {
        **NO_STORE,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(found.guide, 200, headers, media_type="text/plain; charset=utf-8")
