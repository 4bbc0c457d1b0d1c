"""`/hooks/<channel>/<inbox>`: providers' callbacks, handed over to the channel's adapter as they came, so that one
public address serves all of them. A node understands nothing of them and keeps nothing.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from backbone.asks.hooks import HOOK, Hook
from backbone.errors import NotFoundError, TooLargeError, TrunklineError
from backbone.ids import check_name, check_token
from backbone.nats import rpc
from node.context import Context
from node.rest.contract.requests import NO_STORE, context_of, read_body

BODY_MOST: Final = 1024 * 1024
HEADERS_MOST: Final = 32
HEADER_MOST: Final = 4096
BODY_WITHIN_S: Final = 10.0
WITHIN_S: Final = 4.5
"""At most, whatever a platform allows."""

AHEAD_S: Final = 0.5
"""Before the platform's time is over, and after the adapter has given up, which it does a second before."""

LEAST_S: Final = 0.5

LATER: Final = "it can't be taken now; send it again\n"

_PASSED_ON: Final = ("x-", "webhook-")
_PASSED_ON_TOO: Final = frozenset({"content-type", "msg-id"})
_KEPT_BACK: Final = ("x-forwarded-", "x-real-")
"""Platforms sign in headers whose names begin like these; what a proxy or a browser adds is none of a channel's."""


async def callback(request: Request) -> Response:
    """Answers what the adapter answers; 503 where it doesn't, so that the provider tries again."""
    context = context_of(request)
    clock = asyncio.get_running_loop().time
    try:
        channel = check_token(request.path_params["channel"], "channel")
        inbox = check_name(request.path_params["inbox"], "inbox")
        until = clock() + _within_s(context, channel)
        async with asyncio.timeout_at(until):
            tenant = await _tenant_of(context, channel, inbox)
        hook = Hook(
            inbox=inbox,
            method=request.method,
            path=request.path_params.get("rest", ""),
            query=dict(request.query_params),
            headers=_passed_on(request),
            body=await read_body(request, BODY_MOST, BODY_WITHIN_S),
        )
        reply = await rpc.ask(context.link, channel, tenant, HOOK, hook, timeout_s=max(LEAST_S, until - clock()))
    except TooLargeError:
        return Response("too large\n", 413, NO_STORE)
    except NotFoundError:
        # The same as a wrong signature: nobody learns by trying which inboxes there are.
        return Response("the callback can't be verified\n", 401, NO_STORE)
    except TimeoutError:
        return Response(LATER, 503, NO_STORE)
    except TrunklineError as error:
        return Response(LATER, 503 if error.status >= 429 else 401, NO_STORE)
    return Response(reply.body, reply.status, NO_STORE, media_type=reply.content_type)


def _passed_on(request: Request) -> dict[str, str]:
    """The headers that a channel may verify. Raises TooLargeError for more or longer ones than a platform sends."""
    found = {
        name: value
        for name, value in request.headers.items()
        if (name.startswith(_PASSED_ON) and not name.startswith(_KEPT_BACK)) or name in _PASSED_ON_TOO
    }
    if len(found) > HEADERS_MOST or any(len(value) > HEADER_MOST for value in found.values()):
        raise TooLargeError("input.too_large", "The callback has more headers than any platform sends.")
    return found


def _within_s(context: Context, channel: str) -> float:
    """The seconds within which a channel's platform is answered, as far as it is known."""
    about = context.channels.known(channel)
    return min(WITHIN_S, about.ack_seconds - AHEAD_S) if about else WITHIN_S


async def _tenant_of(context: Context, channel: str, inbox: str) -> str:
    """Whose inbox it is. Raises NotFoundError where there is none of this id on this channel, or nobody calls it."""
    about = await context.channels.find(channel)
    if not about.callbacks:
        raise NotFoundError("channel.not_found", "This channel is called by nobody.")
    tenant, record = await context.inboxes.find(inbox)
    if record.channel != channel:
        raise NotFoundError("inbox.not_found", "There is no such inbox.")
    return tenant
