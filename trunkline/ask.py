"""Asks the warehouse in SQL: the running adapter over NATS, or, when nobody answers, its files themselves."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from backbone.asks.operator import OPERATOR, SQL, SqlRequest, Table
from backbone.errors import NotFoundError, UnavailableError
from backbone.nats import rpc
from backbone.settings import Common, load
from trunkline import datafolder, extras
from trunkline.connect import connected

NATS_WITHIN_S = 5.0


def ask(query: str, data: Path | None) -> Table:
    """The answer to one reading statement.

    Raises InvalidInputError `sql.*` for what isn't allowed, NotFoundError where there is no warehouse,
    UnavailableError if a warehouse is in use by somebody who doesn't answer.
    """
    is_stopped = data is not None and datafolder.running(data) is None
    environ = dict(os.environ) if is_stopped else datafolder.joined(data, os.environ)
    dsn = datafolder.warehouse_dsn(data) if data else environ.get("TRUNKLINE_WAREHOUSE_DSN", "")
    if not is_stopped:
        try:
            return asyncio.run(_ask_running(load(Common, environ=environ), query))
        except UnavailableError:
            if not dsn:
                raise
    if not dsn:
        raise NotFoundError("warehouse.missing", "No warehouse is named: give --data DIR or TRUNKLINE_WAREHOUSE_DSN.")
    return _ask_files(dsn, query)


async def _ask_running(common: Common, query: str) -> Table:
    async with connected(common, "sql", NATS_WITHIN_S) as link:
        return await rpc.ask(link, "warehouse", OPERATOR, SQL, SqlRequest(query), timeout_s=15)


def _ask_files(dsn: str, query: str) -> Table:
    with extras.needed():
        from adapters.warehouse import offline  # noqa: PLC0415  (opens the engine: only when nobody answers)

    return offline.query(dsn, query)
