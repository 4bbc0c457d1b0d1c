"""Turns at work that costs a node much: some at once, one at a time of each owner, and each asker at a rate.

Back-pressure in place of a queue: whoever has waited two seconds is told to come again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from backbone.errors import TooManyError
from node.entry.limits import RateByKey, check_rate

WAIT_S: Final = 2.0
COME_AGAIN_MS: Final = 1000


class Turns:
    """`at_once` on this node; each key of those who ask `a_minute`."""

    def __init__(self, at_once: int, a_minute: float) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._rate = RateByKey(a_minute)
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, code: str, owner: str, who: str) -> AsyncIterator[None]:
        """A turn of `owner`, such as a tenant, for `who`.

        Raises TooManyError `limit.rate`, and `code` where all are taken for two seconds.
        """
        check_rate(self._rate, who, time.monotonic())
        own = self._own.get(owner)
        if own is None:
            own = self._own[owner] = asyncio.Lock()
        taken: list[asyncio.Lock | asyncio.Semaphore] = []
        try:
            try:
                async with asyncio.timeout(WAIT_S):
                    # The owner's first: those who wait behind their own take no turn of others.
                    for one in (own, self._all):
                        await one.acquire()
                        taken.append(one)
            except TimeoutError:
                raise TooManyError(
                    code, "Too many ask for this at once; try again.", retry_after_ms=COME_AGAIN_MS
                ) from None
            yield
        finally:
            for one in taken:
                one.release()
