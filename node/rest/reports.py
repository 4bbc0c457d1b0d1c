"""`/api/v1/search/messages`, `/api/v1/reports/overview`: asked of the warehouse, never of ClickHouse."""

from __future__ import annotations

import asyncio
import functools
import zoneinfo
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from backbone.asker import as_headers
from backbone.errors import InvalidInputError
from backbone.nats import rpc
from node.rest.contract.api import Ask, route

T = TypeVar("T")

QUERY_MOST = 200
_WAREHOUSE = ("warehouse.busy", "warehouse.unavailable")


class Sought(Struct, kw_only=True):
    """Words, all of which must occur; and which page."""

    q: Annotated[str, Meta(min_length=1, max_length=QUERY_MOST, description="1 to 200 characters")]
    after: Annotated[str, Meta(max_length=128, description="the `next` of the page before")] = ""
    before: Annotated[str, Meta(max_length=128, description="the former name of `after`")] = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="a whole number from 1 to 100")] = 20


class Zone(Struct):
    """Whose today."""

    tz: Annotated[str, Meta(max_length=64, description="a time zone such as Asia/Shanghai")] = "UTC"


class Hit(Struct, kw_only=True):
    """A message that has all the words. `text` is an excerpt; `at` is UTC ms."""

    conv: str
    epoch: int
    seq: int
    at: int
    actor_kind: str
    actor: str
    text: str
    contact_name: str


class Hits(Struct, kw_only=True):
    """Newest first. `as_of`: UTC ms at which the newest searchable event was stored."""

    items: list[Hit]
    next: str | None
    as_of: int


class Hour(Struct, kw_only=True):
    """Public messages of one hour of the day: of visitors, and of agents and bots."""

    hour: int
    messages_in: int
    messages_out: int


class Overview(Struct, kw_only=True):
    """Today. `open`: neither resolved nor closed now. Seconds are null without any first response today."""

    day: str
    tz: str
    opened: int
    resolved: int
    open: int
    messages_in: int
    messages_out: int
    first_response_median_s: float | None
    first_response_p90_s: float | None
    hours: list[Hour]
    as_of: int


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
    asked = {"q": text, "before": query.after or query.before or None, "limit": query.limit}
    return await _ask(ask, "search.messages", asked, Hits)


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
    asked = {"tz": query.tz}
    return await _ask(ask, "report.overview", asked, Overview)


@functools.cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones()


async def _ask(ask: Ask, verb: str, asked: object, kind: type[T]) -> T:
    """The warehouse answers of the conversations that are there for who asks."""
    link, who = ask.context.link, ask.who
    return await rpc.call(link, "warehouse", who.tenant, verb, asked, kind, headers=as_headers(who))
