"""Which channels have an account somewhere: those whose adapters must run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from backbone import directory
from backbone.directory import Inbox
from backbone.nats.buckets import Change
from backbone.nats.feed import Feed
from backbone.nats.link import Link

WEB: Final = "web"
"""The channel of the nodes themselves."""


class Wanted:
    """Watches the directory; `changed` is called with the sorted names whenever they are others, and once at first."""

    def __init__(self, link: Link, changed: Callable[[list[str]], None]) -> None:
        self._changed = changed
        self._channels: dict[str, str] = {}
        self._told: list[str] | None = None
        self._feed: Feed = directory.directory(link).watch(self._moved, "*.inbox.*", self._channels.clear)

    async def run(self) -> None:
        """Works until cancelled. Nothing is told before all inboxes are known."""
        try:
            await self._feed.caught_up.wait()
            self._tell()
            await asyncio.Event().wait()
        finally:
            await self._feed.close()

    def _moved(self, change: Change[directory.Record]) -> None:
        if isinstance(change.value, Inbox):
            self._channels[change.key] = change.value.channel
        else:
            self._channels.pop(change.key, None)
        if self._told is not None:
            self._tell()

    def _tell(self) -> None:
        names = sorted(set(self._channels.values()) - {WEB})
        if names != self._told:
            self._told = names
            self._changed(names)
