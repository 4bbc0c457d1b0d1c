"""One stream's events in order, as raw bytes, without acknowledgements: what `Reader` and watches of
buckets stand on.

An ephemeral pull consumer delivers; the position is the feed's own. A gap, a lost consumer or a lost
connection makes a new consumer at the next wanted sequence, so that each event comes once, ascending.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
import prometheus_client
import structlog

from backbone.errors import TrunklineError
from backbone.nats.link import SECOND_NS, Link
from backbone.nats.wire.header import status_of

PULL: Final = 1000
PULL_BYTES: Final = 1024 * 1024
"""Bytes asked for at once, at least. Twice `max_payload` where that is more: nats-server delivers nothing of a pull
whose bound its next message passes, and a feed stood still for ever behind one of 1 MiB.
"""
PULL_EXPIRES_S: Final = 20
HEARTBEAT_S: Final = 5
SILENT_S: Final = 2.5 * HEARTBEAT_S
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 5.0

_log = structlog.get_logger("backbone.nats.feed")
_skipped = prometheus_client.Counter(
    "trunkline_feed_skipped", "Messages that a reader of a stream couldn't take, by stream.", ["stream"]
)
_END_OF_PULL: Final = frozenset({b"404", b"408", b"409"})


class Delivery(NamedTuple):
    """A stored message: stream sequence, when it was stored (UTC ms), subject, header block, payload."""

    seq: int
    at_ms: int
    subject: bytes
    header: bytes | None
    data: bytes


class Feed:
    """Delivers one stream, or what `filter_subject` matches of it, to `receive`, in order.

    `room()` says how many more may be asked for; call `look_again()` when that grows. `examine(info,
    next_seq)` is awaited with the stream's STREAM.INFO before each consumer is made, and says where to
    begin: it sees when the stream ends below what was read, since it was restored or made anew.
    """

    def __init__(
        self,
        link: Link,
        stream: str,
        receive: Callable[[Delivery], None],
        *,
        start: int,
        filter_subject: str = "",
        last_per_subject: bool = False,
        room: Callable[[], int] = lambda: PULL,
        examine: Callable[[dict[str, Any], int], Awaitable[int]],
    ) -> None:
        self._link = link
        self._stream = stream
        self._receive = receive
        self._filter = filter_subject
        self._last_per_subject = last_per_subject
        self._room = room
        self._examine = examine
        self.next_seq = start
        self.owed = 0
        self.pending = 0
        self.caught_up = asyncio.Event()
        self._heard_at = 0.0
        self._expected_delivery = 1
        self._sid: int | None = None
        self._wake = asyncio.Event()
        self._inbox = self._next_subject = ""
        self._broken = False
        self._forget = link.on_disconnect(self._break)
        self._task = asyncio.create_task(self._run(), name=f"feed.{stream}")

    @property
    def was_at_the_end(self) -> bool:
        """Whether everything was delivered that the server was known to have, and more would have been."""
        return self._sid is not None and self.caught_up.is_set() and not self.pending

    @property
    def is_attached(self) -> bool:
        """Whether a consumer delivers now."""
        return self._sid is not None and not self._broken

    def look_again(self) -> None:
        """There is more room than before."""
        if not self.owed:
            self._wake.set()

    async def close(self) -> None:
        """Ends the feed; the server forgets the consumer by itself."""
        self._forget()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        delay_s = RETRY_FIRST_S
        await self._link.is_open.wait()
        while True:
            try:
                await self._attach()
                delay_s = RETRY_FIRST_S
                await self._deliver()
            except TrunklineError as error:
                _log.warning("feed.retry", stream=self._stream, error=str(error), code=error.code)
            finally:
                self._detach()
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            delay_s = min(delay_s * 2, RETRY_MOST_S)

    async def _attach(self) -> None:
        info = await self._link.api(f"STREAM.INFO.{self._stream}", {})
        self.next_seq = await self._examine(info, self.next_seq)
        name = f"feed-{secrets.token_hex(8)}"
        inbox = f"_TLF.{self._link.own}.{secrets.token_hex(8)}"
        config: dict[str, Any] = {
            "name": name,
            "ack_policy": "none",
            "inactive_threshold": 60 * SECOND_NS,
            "mem_storage": True,
            "num_replicas": 1,
        }
        if self._filter:
            config["filter_subject"] = self._filter
        if self._last_per_subject and self.next_seq <= 1:
            config["deliver_policy"] = "last_per_subject"
        else:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": max(1, self.next_seq)}
        self._expected_delivery = 1
        self.owed = 0
        self._broken = False
        self._sid = self._link.subscribe_raw(inbox, self._arrived)
        # With the filter in its subject too: permissions hold a kind of process to what it may read.
        verb = f"CONSUMER.CREATE.{self._stream}.{name}" + (f".{self._filter}" if self._filter else "")
        answer = await self._link.api(verb, {"stream_name": self._stream, "config": config})
        self.pending = answer.get("num_pending", 0)
        if not self.pending:
            self.caught_up.set()
        self._next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{name}"
        self._inbox = inbox
        self._heard_at = asyncio.get_running_loop().time()

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._broken:
            self._wake.clear()
            # One pull at a time: what it still owes is known, so that nothing is asked for twice.
            if not self.owed and (room := self._room()) > 0:
                self._pull(min(PULL, room))
            if self.owed and loop.time() - self._heard_at > SILENT_S:
                _log.warning("feed.silent", stream=self._stream)
                return
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _pull(self, count: int) -> None:
        self.owed = count
        self._heard_at = asyncio.get_running_loop().time()
        request = {
            "batch": count,
            "max_bytes": max(PULL_BYTES, 2 * self._link.max_payload),
            "expires": PULL_EXPIRES_S * SECOND_NS,
            "idle_heartbeat": HEARTBEAT_S * SECOND_NS,
        }
        self._link.publish_raw(self._next_subject, msgspec.json.encode(request), reply=self._inbox)

    def _arrived(self, subject: bytes, reply: bytes, header: bytes | None, data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        status = status_of(header)
        if status is not None:
            self._control(status, header or b"")
            return
        # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>
        parts = reply.rsplit(b".", 5)
        seq, delivery = int(parts[2]), int(parts[3])
        if delivery != self._expected_delivery:
            self._break()
            return
        self._expected_delivery = delivery + 1
        self.owed -= 1
        self.pending = int(parts[5])
        if seq >= self.next_seq:
            self.next_seq = seq + 1
            try:
                self._receive(Delivery(seq, int(parts[4]) // 1_000_000, subject, header, data))
            except Exception:  # noqa: BLE001 - whatever it is: see below
                # One message's fault: what comes behind it is delivered, and whoever waits for the end hears of it.
                _skipped.labels(self._stream).inc()
                _log.exception("feed.skipped", stream=self._stream, seq=seq, subject=subject.decode(errors="replace"))
        if not self.pending and not self.caught_up.is_set():
            self.caught_up.set()
        if self.owed <= 0:
            self._wake.set()

    def _control(self, status: bytes, header: bytes) -> None:
        if status == b"100":
            return
        if status in _END_OF_PULL and b"Consumer Deleted" not in header:
            self.owed = 0
            self._wake.set()
        else:
            self._break()

    def _break(self) -> None:
        self._broken = True
        self._wake.set()

    def _detach(self) -> None:
        if self._sid is not None:
            self._link.unsubscribe_raw(self._sid)
            self._sid = None
