"""Files over a connection that a test has at hand."""

from __future__ import annotations

from backbone.nats.link import Link
from backbone.nats.objects import Connect


def at_hand(link: Link) -> Connect:
    """Gives `link` each time."""

    async def connect() -> Link:
        return link

    return connect
