"""What others may ask, by name: a fixed catalogue of requests, each a Struct, never SQL but the operator's own.

The tenant comes from the subject. `_` is the command line's and stands for no tenant: it alone may ask `sql`
and `verify`, and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from clickhouse_connect.driver.client import Client

from adapters.warehouse.asking import history, reports, search, sql, verify
from adapters.warehouse.asking.gate import Gate
from adapters.warehouse.clickhouse.engine import Engine
from adapters.warehouse.metrics import REQUEST_SECONDS, REQUESTS
from backbone.asker import scope_asked
from backbone.asks.history import HISTORY, History, HistoryRequest
from backbone.asks.operator import OPERATOR, SQL, VERIFY, SqlRequest, Table, Verdict, VerifyRequest
from backbone.asks.reports import OVERVIEW, Overview, OverviewRequest
from backbone.asks.search import SEARCH, Hits, SearchRequest
from backbone.clock import utc_ms
from backbone.errors import ForbiddenError, TrunklineError
from backbone.nats.link import Link
from backbone.nats.rpc import TIMEOUT_S, Ask, Verb, answered

R = TypeVar("R")
T = TypeVar("T")


def verbs(link: Link, opened: asyncio.Future[Engine], as_of: Callable[[], int]) -> dict[str, Verb[Any]]:
    """Every verb of `rpc.warehouse.<tenant>`; what comes before the engine is `opened` waits for it.

    `as_of` tells when the newest loaded event was stored (UTC ms).
    """
    gate = Gate()

    async def read(tenant: str, work: Callable[[Client], T]) -> T:
        deadline = time.monotonic() + TIMEOUT_S
        async with gate.enter(tenant):
            return await (await asyncio.shield(opened)).read(work, deadline)

    async def overview(tenant: str, request: OverviewRequest) -> Overview:
        now_ms, scope = utc_ms(), scope_asked(tenant)
        return await read(tenant, lambda client: reports.overview(client, tenant, request, now_ms, as_of(), scope))

    async def messages(tenant: str, request: SearchRequest) -> Hits:
        scope = scope_asked(tenant)
        return await read(tenant, lambda client: search.messages(client, tenant, request, as_of(), scope))

    async def page(tenant: str, request: HistoryRequest) -> History:
        return await read(tenant, lambda client: history.page(client, tenant, request))

    async def query(tenant: str, request: SqlRequest) -> Table:
        return await read(tenant, lambda client: sql.answer(client, request, as_of()))

    async def compare(tenant: str, request: VerifyRequest) -> Verdict:
        async with gate.enter(tenant):
            return await verify.compare(link, await asyncio.shield(opened), request)

    return {
        **_for_tenants(OVERVIEW, overview),
        **_for_tenants(SEARCH, messages),
        **_for_tenants(HISTORY, page),
        **_for_operator(SQL, query),
        **_for_operator(VERIFY, compare),
    }


def _for_tenants(ask: Ask[R, T], handler: Callable[[str, R], Awaitable[T]]) -> dict[str, Verb[Any]]:
    def refuse(tenant: str) -> None:
        if tenant == OPERATOR:
            raise ForbiddenError("warehouse.tenant_only", f"{ask.verb} is asked by a tenant, not by {OPERATOR}.")

    return answered(ask, _counted(ask.verb, refuse, handler))


def _for_operator(ask: Ask[R, T], handler: Callable[[str, R], Awaitable[T]]) -> dict[str, Verb[Any]]:
    def refuse(tenant: str) -> None:
        if tenant != OPERATOR:
            raise ForbiddenError("warehouse.operator_only", f"{ask.verb} is for the command line only.")

    return answered(ask, _counted(ask.verb, refuse, handler))


def _counted(
    verb: str, refuse: Callable[[str], None], handler: Callable[[str, R], Awaitable[T]]
) -> Callable[[str, R], Awaitable[T]]:
    async def answer(tenant: str, request: R) -> T:
        outcome = "failed"
        with REQUEST_SECONDS.labels(verb).time():
            try:
                refuse(tenant)
                found = await handler(tenant, request)
                outcome = "ok"
            except TrunklineError as refused:
                outcome = refused.code
                raise
            finally:
                REQUESTS.labels(verb, outcome).inc()
        return found

    return answer
