"""Writes conversations into the log or straight into the tables, for tests of what is read from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.warehouse.clickhouse.engine import Engine, rows
from adapters.warehouse.loading import load, plan
from adapters.warehouse.loading.decode import decode
from adapters.warehouse.loading.journal import Promise
from adapters.warehouse.loading.memory import Memory
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.reader import Entry
from tests.unit.adapters.warehouse.timeline import entry

EPOCH = 7


class Book:
    """Loads events as the loader does, one call a load; counts sequences and loads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._memory = Memory(100)
        self._cursors: dict[str, plan.Place] = {}
        self._loads = 0
        self._seq = 0

    async def add(self, events: Sequence[Any], stored_ms: int = 1_764_000_000_000) -> list[int]:
        """Loads `events`; returns their sequences."""
        entries = [entry(one, self._seq + n, stored_ms) for n, one in enumerate(events, start=1)]
        self._seq += len(entries)
        await self.load(entries)
        return [one.seq for one in entries]

    async def load(self, entries: Sequence[Entry]) -> None:
        """Loads entries as they are."""
        decoded = [decode(one, EPOCH) for one in entries]
        for part in plan.cut(decoded):
            self._loads += 1
            ranges = plan.ranges(part)
            after = plan.advance(self._cursors, ranges)
            one = load.Load(Promise("main", self._loads, 1, ranges), part, after, part[-1].stored_ms, False)  # noqa: FBT003
            before = self._cursors

            def holds(s: str, epoch: int, seq: int, before: dict[str, plan.Place] = before) -> bool:
                return (epoch, seq) <= before.get(s, plan.Place(0, 0))

            await self._engine.write(
                lambda client, one=one, holds=holds: load.perform(client, one, self._memory, holds, 0)  # type: ignore[misc]
            )
            self._cursors = after

    def forget(self) -> None:
        """As after a restart."""
        self._memory.forget()

    async def write_due(self, now_ms: int) -> int:
        """Writes late rows of conversations."""
        return await self._engine.write(lambda client: load.write_due(client, self._memory, lambda *_: True, now_ms, 0))


async def store(link: Link, events: Sequence[Any]) -> None:
    """Puts events into the log, one after the other."""
    log = Log(link)
    for one in events:
        await log.publish(subjects.chat(one.tenant, one.channel, one.conv), one)


async def ask(engine: Engine, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a query, read as nodes' requests are."""
    return await engine.read(lambda client: rows(client, sql, parameters))
