"""The conversations of one lane that must wait long: since when, until when and for what. Kept in the bucket, so that
whoever has the lane next knows.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

import prometheus_client

from adapters.channels.kit.outgoing.deliver import Wait
from adapters.channels.kit.outgoing.unsent import Unsent
from adapters.channels.kit.shared import Room
from backbone.accounts import stores
from backbone.accounts.stores import Parked
from backbone.clock import utc_ms
from backbone.conversation import Head

MARKER_S: Final = 60

_parked = prometheus_client.Gauge(
    "trunkline_channel_parked", "Conversations that wait for an account, a window or a time.", ["channel", "stream"]
)


class Parking:
    """What waits in stream `s`."""

    def __init__(self, room: Room, s: str, unsent: Unsent) -> None:
        self._unsent = unsent
        self._bucket = stores.channels(room.link)
        self._s = s
        self._count = _parked.labels(room.channel.name, s)
        self._parked: dict[str, tuple[str, Parked]] = {}
        """By conversation, with its tenant."""

    async def load(self) -> None:
        """Reads what whoever had the lane before left waiting."""
        for kept in await self._bucket.all("*.parked.*"):
            tenant, _, conv = kept.key.split(".", 2)
            if conv[:2] == self._s and isinstance(kept.value, Parked):
                self._parked[conv] = (tenant, kept.value)
                self._unsent.begin(conv, kept.value.since)
        self._count.set(len(self._parked))

    def of(self, conv: str) -> Parked | None:
        """How a conversation waits, None if it doesn't."""
        kept = self._parked.get(conv)
        return kept and kept[1]

    def tenant(self, conv: str) -> str:
        """Whose a conversation is that waits."""
        return self._parked[conv][0]

    async def put(self, head: Head, first: int, wait: Wait) -> None:
        """Has a conversation wait from its event at `first` on; since when stays if it waits already."""
        before = self.of(head.conv)
        parked = Parked(
            first=first,
            since=before.since if before else utc_ms(),
            until=wait.until,
            why=wait.why,
            inbox=head.inbox,
            tries=wait.tries,
        )
        await self._bucket.put(stores.parked_key(head.tenant, head.conv), parked)
        self._parked[head.conv] = (head.tenant, parked)
        self._unsent.begin(head.conv, parked.since)
        self._count.set(len(self._parked))

    async def remove(self, conv: str) -> None:
        """A conversation waits no longer."""
        tenant, _ = self._parked[conv]
        await self._bucket.delete(stores.parked_key(tenant, conv), marker_s=MARKER_S)
        del self._parked[conv]
        self._unsent.end(conv)
        self._count.set(len(self._parked))

    def let_go(self) -> None:
        """Somebody else has the lane from now on."""
        for conv in self._parked:
            self._unsent.end(conv)

    def due(self, now_ms: int, well: Container[tuple[str, str]]) -> list[str]:
        """The conversations whose time has come (`now_ms`: UTC), or whose account is among the well (tenant, inbox)."""
        return [
            conv
            for conv, (tenant, parked) in self._parked.items()
            if parked.until <= now_ms or (parked.why == "pause" and (tenant, parked.inbox) in well)
        ]
