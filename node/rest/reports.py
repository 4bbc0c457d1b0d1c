"""`/api/v1/search/messages`, `/api/v1/reports/overview`: asked of the warehouse, never of ClickHouse."""

from __future__ import annotations

import asyncio
import functools
import zoneinfo
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from backbone.asker import as_headers
from backbone.asks.reports import OVERVIEW, Overview, OverviewRequest
from backbone.asks.search import HITS_MOST, QUERY_MOST, SEARCH, Hits, SearchRequest
from backbone.errors import InvalidInputError
from backbone.nats import rpc
from node.rest.contract.api import Ask, route

A = TypeVar("A")
R = TypeVar("R")

_WAREHOUSE = ("warehouse.busy", "warehouse.unavailable")


class Sought(Struct, kw_only=True):
    """Words, all of which must occur; and which page."""

    q: Annotated[str, Meta(min_length=1, max_length=QUERY_MOST, description="1 to 200 characters")]
    after: Annotated[str, Meta(max_length=128, description="the `next` of the page before")] = ""
    before: Annotated[str, Meta(max_length=128, description="the former name of `after`")] = ""
    limit: Annotated[int, Meta(ge=1, le=HITS_MOST, description="a whole number from 1 to 100")] = 20


class Zone(Struct):
    """Whose today."""

    tz: Annotated[str, Meta(max_length=64, description="a time zone such as Asia/Shanghai")] = "UTC"


@route(
    "GET",
    "/search/messages",
    may="message.search",
    query=Sought,
    answers={200: Hits},
    refuses=("search.bad_cursor", "search.empty", "search.too_many_words", *_WAREHOUSE),
)
async def search_messages(ask: Ask, query: Sought) -> Hits:
    """Messages that have all the words, newest first."""
    text = query.q.strip()
    if not text:
        raise InvalidInputError("query.invalid", f"q must have 1 to {QUERY_MOST} characters.", field="q")
    return await _ask(ask, SEARCH, SearchRequest(text, query.after or query.before or None, query.limit))


@route(
    "GET",
    "/reports/overview",
    may="report.read",
    query=Zone,
    answers={200: Overview},
    refuses=("warehouse.unknown_zone", *_WAREHOUSE),
)
async def overview(ask: Ask, query: Zone) -> Overview:
    """Today in a time zone."""
    if query.tz not in await asyncio.to_thread(_time_zones):
        raise InvalidInputError("query.invalid", "tz must be a time zone such as Asia/Shanghai.", field="tz")
    return await _ask(ask, OVERVIEW, OverviewRequest(query.tz))


@functools.cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones()


async def _ask(ask: Ask, what: rpc.Ask[R, A], asked: R) -> A:
    """The warehouse answers of the conversations that are there for who asks."""
    link, who = ask.context.link, ask.who
    return await rpc.ask(link, "warehouse", who.tenant, what, asked, headers=as_headers(who))
