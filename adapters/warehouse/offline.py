"""`trunkline sql` without a running warehouse: opens the embedded engine itself, if nobody else has it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from adapters.warehouse.asking import sql
from adapters.warehouse.clickhouse import migrations
from adapters.warehouse.clickhouse.engine import Engine, load_library
from adapters.warehouse.loading import journal
from adapters.warehouse.settings import SECTION, Warehouse, target
from backbone.asks.operator import SqlRequest, Table
from backbone.errors import NotFoundError
from backbone.settings import load


def query(dsn: str, text: str) -> Table:
    """The answer to one reading statement.

    Raises LockedError if another process has the path, NotFoundError if there is no warehouse there yet,
    InvalidInputError `sql.*` for what isn't allowed, SettingError for a bad DSN.
    """
    settings = load(Warehouse, SECTION)
    where = target(dsn)
    if where.path and not Path(where.path).is_dir():
        raise NotFoundError("warehouse.missing", f"There is no warehouse at {where.path} yet; start it once.")
    load_library(where)
    return asyncio.run(_query(Engine(where, settings), settings.group, text))


async def _query(engine: Engine, group: str, text: str) -> Table:
    try:
        if not engine.target.path:
            await migrations.probe(engine)
            engine.reach.problem = None
        done = await engine.read(lambda client: journal.newest_done(client, group))
        return await engine.read(lambda client: sql.answer(client, SqlRequest(text), done.newest_ms))
    finally:
        await asyncio.to_thread(engine.close)
