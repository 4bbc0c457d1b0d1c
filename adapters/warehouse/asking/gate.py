"""Each tenant's share of the readers: some requests run, some wait, further ones are told that we are busy."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from backbone.errors import TooManyError

RUNNING: Final = 4
WAITING: Final = 16


class Gate:
    """Counts requests of each tenant; forgets a tenant that has none."""

    def __init__(self, running: int = RUNNING, waiting: int = WAITING) -> None:
        self._running = running
        self._most = running + waiting
        self._counts: Counter[str] = Counter()
        self._slots: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def enter(self, tenant: str) -> AsyncIterator[None]:
        """Waits for one of the tenant's places. Raises TooManyError `warehouse.busy` if too many wait already."""
        if self._counts[tenant] >= self._most:
            raise TooManyError(
                "warehouse.busy", "Too many reports and searches run at once; try again.", retry_after_ms=1000
            )
        self._counts[tenant] += 1
        slots = self._slots.setdefault(tenant, asyncio.Semaphore(self._running))
        try:
            async with slots:
                yield
        finally:
            self._counts[tenant] -= 1
            if not self._counts[tenant]:
                del self._counts[tenant], self._slots[tenant]
