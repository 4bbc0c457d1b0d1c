"""When an account last heard from its platform and last handed something over, for people who look after it: in the
bucket `channels` as `<tenant>.pulse.<inbox>.<way>`, at most once in some seconds for each.
"""

from __future__ import annotations

import time
from typing import Final, Literal

from msgspec import Struct

from backbone.clock import utc_ms
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link

EVERY_S: Final = 5.0

Way = Literal["in", "out"]


class Pulse(Struct, frozen=True, tag="pulse", kw_only=True):
    """UTC ms; up to `EVERY_S` before the true last time."""

    at: int


class Pulses:
    """Keeps the times of one process's accounts."""

    def __init__(self, link: Link) -> None:
        self._bucket: Bucket[Pulse] = Bucket(link, "channels", Pulse)
        self._last: dict[tuple[str, str], float] = {}

    def beat(self, tenant: str, inbox: str, way: Way) -> None:
        """Something came in or went out now."""
        now = time.monotonic()
        if now - self._last.get((inbox, way), -EVERY_S) < EVERY_S:
            return
        self._last[inbox, way] = now
        put = self._bucket.put_soon(subjects.key(tenant, "pulse", inbox, way), Pulse(at=utc_ms()))
        # Lost with the log away: the next one tells.
        put.add_done_callback(lambda done: done.cancelled() or done.exception())


async def pulses(link: Link, tenant: str) -> dict[tuple[str, str], int]:
    """UTC ms by inbox and way, of all accounts of a tenant."""
    bucket: Bucket[Pulse] = Bucket(link, "channels", Pulse)
    kept = await bucket.all(subjects.key(tenant, "pulse") + ".*.*")
    return {(inbox, way): one.value.at for one in kept for inbox, way in [one.key.split(".")[2:4]]}
