"""`/api/v1/search/messages`, `/api/v1/reports/overview`: asked of the warehouse, never of ClickHouse."""

from __future__ import annotations

import asyncio
import functools
import zoneinfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backbone.access import scope
from backbone.errors import InvalidInputError
from backbone.nats import rpc
from node.rest.requests import NO_STORE, agent_asks, context_of, limit_of

QUERY_MOST = 200


async def search_messages(request: Request) -> Response:
    """`GET /api/v1/search/messages?q=&before=&limit=`: newest first; `next` goes into `before`."""
    who = await agent_asks(request, "message.search")
    query = request.query_params.get("q", "").strip()
    if not query or len(query) > QUERY_MOST:
        raise InvalidInputError("query.invalid", f"q must have 1 to {QUERY_MOST} characters.", field="q")
    asked: dict[str, object] = {
        "q": query,
        "before": request.query_params.get("before") or None,
        "limit": limit_of(request, 20, 100),
        "scope": None if (allowed := scope(who)).is_all else allowed.sql()[1],
    }
    return await _ask(request, who.tenant, "search.messages", asked)


async def overview(request: Request) -> Response:
    """`GET /api/v1/reports/overview?tz=`: today in a time zone."""
    who = await agent_asks(request, "report.read")
    tz = request.query_params.get("tz", "UTC")
    if tz not in await asyncio.to_thread(_time_zones):
        raise InvalidInputError("query.invalid", "tz must be a time zone such as Asia/Shanghai.", field="tz")
    return await _ask(request, who.tenant, "report.overview", {"tz": tz})


@functools.cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones()


async def _ask(request: Request, tenant: str, verb: str, asked: dict[str, object]) -> Response:
    answer = await rpc.call(context_of(request).link, "warehouse", tenant, verb, asked, msgspec.Raw)
    return Response(bytes(answer), headers=NO_STORE, media_type="application/json")
