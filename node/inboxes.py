"""Inboxes by id, kept for some seconds: each `hello` of a visitor asks, and a storm of them asks for a few inboxes."""

from __future__ import annotations

import time
from typing import Final

from backbone import directory
from backbone.link import Link

KEPT_S: Final = 5.0
MOST: Final = 10_000


class Inboxes:
    """What `directory.find_inbox` found lately."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._found: dict[str, tuple[float, str, directory.Inbox]] = {}

    async def find(self, inbox: str) -> tuple[str, directory.Inbox]:
        """The tenant and record of an inbox, at most 5 s old. Raises NotFoundError `inbox.not_found`."""
        now = time.monotonic()
        found = self._found.get(inbox)
        if found is None or now - found[0] > KEPT_S:
            tenant, record = await directory.find_inbox(self._link, inbox)
            if len(self._found) >= MOST:
                self._found.clear()
            found = self._found[inbox] = (now, tenant, record)
        return found[1], found[2]
