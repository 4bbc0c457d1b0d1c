"""Room on the warehouse's own disk: it stops loading before there is none, and goes on by itself once there is.

An engine that runs into a full disk fails merges and inserts in every table; a process that ends over it can't even
open its tables again. What isn't loaded waits in the log.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Final

import structlog

from backbone import space
from backbone.space import Marks, RoomLeft
from backbone.until import until

LOOK_S: Final = 1.0
AFTER_REFUSAL_S: Final = 5.0

_log = structlog.get_logger("warehouse.room")


class Room:
    """The file system of an embedded engine's folder. A server's disk we don't see: only its refusals count."""

    def __init__(self, path: str, marks: Marks) -> None:
        self._folder = Path(path) if path else None
        self._marks = marks
        self._room: RoomLeft = "ok"
        self.problem: str | None = None
        """What it waits for, as readiness wants it; None if there is room."""

    async def wait(self, leaving: asyncio.Event) -> None:
        """Returns once there is room, or once the process leaves."""
        while not leaving.is_set() and not await asyncio.to_thread(self._has_room):
            await self._pause(leaving, LOOK_S)
        self.problem = None

    async def refused(self, leaving: asyncio.Event, why: str) -> None:
        """The engine itself found no room: waits a moment, then until there is some."""
        self.problem = f"ClickHouse has no room on its disk ({why[:200]}): nothing is loaded until there is."
        _log.warning("warehouse.no_room", error=why[:500])
        await self._pause(leaving, AFTER_REFUSAL_S)
        await self.wait(leaving)

    def _has_room(self) -> bool:
        if self._folder is None:
            return True
        folder = next(f for f in (self._folder, *self._folder.parents) if f.is_dir())
        found = space.look(folder)
        before, self._room = self._room, space.room(self._room, found, self._marks)
        if self._room == "full":
            self.problem = f"The warehouse's disk has no room ({found}): nothing is loaded until there is."
        if (before == "full") != (self._room == "full"):
            _log.warning("warehouse.room", room=self._room, free=found.free)
        return self._room != "full"

    async def _pause(self, leaving: asyncio.Event, seconds: float) -> None:
        await until(leaving, asyncio.sleep(seconds * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter
