"""Which channels have an account somewhere: those whose adapters must run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from backbone.directory import Inbox, Mirror, Record
from backbone.nats.buckets import Change
from backbone.nats.link import Link

WEB: Final = "web"
"""The channel of the nodes themselves."""

FOR_EVER_S: Final = float("inf")


class Wanted:
    """Watches the directory; `changed` is called with the sorted names whenever they are others, and once at first."""

    def __init__(self, link: Link, changed: Callable[[list[str]], None]) -> None:
        self._changed = changed
        self._told: list[str] | None = None
        self._mirror = Mirror(link, ("inbox",), self._moved)

    async def run(self) -> None:
        """Works until cancelled. Nothing is told before all inboxes are known."""
        try:
            # However long: adapters that run already go on, and a node waits for the log too.
            await self._mirror.caught_up(FOR_EVER_S)
            self._tell()
            await asyncio.Event().wait()
        finally:
            await self._mirror.close()

    def _moved(self, change: Change[Record]) -> None:
        del change
        if self._told is not None:
            self._tell()

    def _tell(self) -> None:
        names = sorted({inbox.channel for inbox in self._mirror.all(Inbox).values()} - {WEB})
        if names != self._told:
            self._told = names
            self._changed(names)
