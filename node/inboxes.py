"""Inboxes by id, kept for some seconds: each `hello` of a visitor asks, and a storm of them asks for a few inboxes.

While the log is away the last known record counts, however old: nothing can change it then, and a visitor who loads
the page can write (the message waits in the browser).
"""

from __future__ import annotations

import time
from typing import Final

from backbone import directory
from backbone.errors import NotFoundError, UnavailableError, UnknownOutcomeError
from backbone.nats.link import Link

KEPT_S: Final = 5.0
MOST: Final = 10_000


class Inboxes:
    """What `directory.find_inbox` found lately."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._found: dict[str, tuple[float, str, directory.Inbox]] = {}

    async def find(self, inbox: str) -> tuple[str, directory.Inbox]:
        """The tenant and record of an inbox, at most 5 s old, or older if the log is away.

        Raises NotFoundError `inbox.not_found`; UnavailableError, UnknownOutcomeError of one never seen.
        """
        now = time.monotonic()
        found = self._found.get(inbox)
        if found is None or now - found[0] > KEPT_S:
            try:
                tenant, record = await directory.find_inbox(self._link, inbox)
            except NotFoundError:
                self._found.pop(inbox, None)
                raise
            except (UnavailableError, UnknownOutcomeError):
                if found is None:
                    raise
                # From now on: a server that is silent is asked once in these seconds, not by each that comes.
                now, tenant, record = time.monotonic(), *found[1:]
            if len(self._found) >= MOST:
                self._found.clear()
            found = self._found[inbox] = (now, tenant, record)
        return found[1], found[2]
