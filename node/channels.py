"""What is known of channels, kept for some seconds: every desk asks when it opens."""

from __future__ import annotations

import time
from typing import Final

from backbone.accounts import about
from backbone.accounts.about import About
from backbone.errors import NotFoundError
from backbone.nats.link import Link

KEPT_S: Final = 5.0


class Channels:
    """What `about.known` said lately."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._found: tuple[float, dict[str, About]] | None = None

    async def all(self) -> dict[str, About]:
        """Every channel by its name, at most 5 s old."""
        now = time.monotonic()
        if self._found is None or now - self._found[0] > KEPT_S:
            self._found = (now, {one.name: one for one in await about.known(self._link)})
        return self._found[1]

    def known(self, name: str) -> About | None:
        """One channel as it was known last, however long ago."""
        return self._found[1].get(name) if self._found else None

    async def find(self, name: str) -> About:
        """One channel. Raises NotFoundError `channel.not_found`."""
        found = (await self.all()).get(name)
        if found is None:
            raise NotFoundError("channel.not_found", "There is no such channel.", field="channel")
        return found
