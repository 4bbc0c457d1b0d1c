"""Customers' messages of one lane whose files couldn't be had yet: they are tried again, later and later, beside
everything else that is said. Kept in the bucket, so that whoever has the lane next goes on.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NamedTuple

import prometheus_client

from adapters.channels.kit.outgoing import backoff
from adapters.channels.kit.shared import Room
from backbone.accounts import stores
from backbone.accounts.stores import Unfetched
from backbone.clock import utc_ms
from backbone.conversation import Head

MARKER_S: Final = 60

_unfetched = prometheus_client.Gauge(
    "trunkline_channel_unfetched", "Messages of customers that wait for their files.", ["channel", "stream"]
)


class Message(NamedTuple):
    """One that waits, by its place in the log."""

    tenant: str
    conv: str
    seq: int


class UnfetchedFiles:
    """What waits in stream `s`."""

    def __init__(self, room: Room, s: str) -> None:
        self._bucket = stores.channels(room.link)
        self._give_up_ms = round(room.settings.give_up_s * 1000)
        self._s = s
        self._count = _unfetched.labels(room.channel.name, s)
        self._waiting: dict[Message, Unfetched] = {}

    async def load(self) -> None:
        """Reads what whoever had the lane before left waiting."""
        for kept in await self._bucket.all("*.unfetched.*.*"):
            tenant, _, conv, seq = kept.key.split(".")
            if conv[:2] == self._s and isinstance(kept.value, Unfetched):
                self._waiting[Message(tenant, conv, int(seq))] = kept.value
        self._count.set(len(self._waiting))

    async def put(self, head: Head, seq: int) -> None:
        """Its files couldn't be had now: notes when they are tried again."""
        message, now_ms = Message(head.tenant, head.conv, seq), utc_ms()
        before = self._waiting.get(message)
        since, tries = (before.since, before.tries + 1) if before else (now_ms, 1)
        left_s = (since + self._give_up_ms - now_ms) / 1000
        until = now_ms + round(backoff.delay_s(tries, left_s) * 1000)
        waits = Unfetched(inbox=head.inbox, since=since, until=until, tries=tries)
        await self._bucket.put(stores.unfetched_key(*message), waits)
        self._waiting[message] = waits
        self._count.set(len(self._waiting))

    async def remove(self, message: Message) -> None:
        """Its files are there, or it says why not."""
        if message in self._waiting:
            await self._bucket.delete(stores.unfetched_key(*message), marker_s=MARKER_S)
            self._waiting.pop(message, None)
            self._count.set(len(self._waiting))

    def is_over(self, message: Message) -> bool:
        """Whether the next try is the last."""
        waits = self._waiting.get(message)
        return waits is not None and utc_ms() - waits.since >= self._give_up_ms

    def due(self, now_ms: int, well: Container[tuple[str, str]]) -> list[Message]:
        """Those whose time has come (`now_ms`: UTC) and whose account is among the well (tenant, inbox)."""
        return [
            message
            for message, waits in self._waiting.items()
            if waits.until <= now_ms and (message.tenant, waits.inbox) in well
        ]
