"""Reads the log in order, several streams at once, for adapters: raw bytes in batches, bounded.

`read` returns, per stream, every stored event once, ascending, whatever breaks in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import structlog

from backbone.nats import epochs
from backbone.nats.feed import Delivery, Feed
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream
from backbone.nats.wire.header import REFLECTED, is_reflected

RANGE_TIMEOUT_S: Final = 60.0
OTHERS_LOOK_S: Final = 0.4

_log = structlog.get_logger("backbone.nats.reader")


class Entry(NamedTuple):
    """A stored event: the stream's two digits, its sequence, when it was stored (UTC ms), subject, bytes, epoch.

    `epoch` is 0 where whoever made it didn't look.
    """

    s: str
    seq: int
    at_ms: int
    subject: str
    raw: bytes
    epoch: int = 0


class Reader:
    """Reads several streams of the log in order, each from its own start, and bounds what it buffers."""

    def __init__(
        self,
        link: Link,
        starts: dict[str, int],
        max_buffered: int = 20_000,
        lineage: Lineage | None = None,
        *,
        is_witness: bool = True,
    ) -> None:
        """`starts`: stream (two digits) to the first sequence wanted.

        With `lineage` it reads nothing before it is known which log it reads. A witness of the log's vouches for it
        afterwards, which its user of NATS must be allowed to (`epochs` in `permissions.py`); others wait for witnesses.
        """
        self._link = link
        self._lineage = lineage
        self._was_at_the_end = False
        """Whether every stream had been read to its end when the connection was lost."""

        self._compared: set[str] = set()
        """Streams looked at since, while it isn't known what log has come back."""

        self._forget: list[Callable[[], object]] = []
        if lineage and is_witness:
            self._forget = [lineage.add_witness(lambda: self.is_attached), link.on_disconnect(self._lost)]
        self._most_each = max(1, max_buffered // max(1, len(starts)))
        self._enough = asyncio.Event()
        self._wanted = 1
        self._is_leaving = False
        self.buffered = 0
        """Events read and not yet taken."""
        self.rolled_back = asyncio.Event()
        """Set when a stream ends below what was read of it: what was made of that is no longer so."""
        self.rolled_back_streams: set[str] = set()
        """Of which streams that is so."""
        self.epochs: dict[str, epochs.Epochs] = {}
        """The epochs of each stream, as of its last attachment."""
        self._queues: dict[str, deque[Entry]] = {s: deque() for s in sorted(starts)}
        self._feeds = {s: self._feed(s, starts[s]) for s in self._queues}

    @property
    def pending(self) -> int:
        """Events known to be in the log that haven't been taken: the reader's lag."""
        return self.buffered + sum(f.pending for f in self._feeds.values())

    @property
    def is_attached(self) -> bool:
        """Whether every stream has its consumer."""
        return all(f.is_attached for f in self._feeds.values())

    async def caught_up(self) -> None:
        """Returns once every stream has come to its end since the start, as far as `read` has taken it in."""
        await asyncio.gather(*(f.caught_up.wait() for f in self._feeds.values()))

    async def read(
        self, max_events: int = 5000, max_bytes: int = 4 * 1024 * 1024, linger_s: float = 0.0
    ) -> list[Entry]:
        """At least one event, then what comes within `linger_s`, up to the bounds; maybe none after `leave`.

        Streams follow one another in the list; within a stream sequences ascend without a gap.
        """
        await self._have(1)
        if linger_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(linger_s):
                    await self._have(max_events)
        return self._take(max_events, max_bytes)

    async def _have(self, wanted: int) -> None:
        """Returns once so many are buffered; woken once, not with each that comes in."""
        self._wanted = wanted
        while self.buffered < wanted and not self._is_leaving:
            self._enough.clear()
            await self._enough.wait()

    def leave(self) -> None:
        """Nobody waits for more from now on: `read` returns at once."""
        self._is_leaving = True
        self._enough.set()

    async def close(self) -> None:
        """Ends reading."""
        for forget in self._forget:
            forget()
        self._forget.clear()
        await asyncio.gather(*(f.close() for f in self._feeds.values()))

    def _feed(self, s: str, start: int) -> Feed:
        queue = self._queues[s]

        def receive(one: Delivery) -> None:
            raw = REFLECTED if is_reflected(one.header) else one.data
            queue.append(Entry(s, one.seq, one.at_ms, one.subject.decode(), raw, self.epochs[s].number(one.seq)))
            self.buffered += 1
            if self.buffered == self._wanted:
                self._enough.set()

        async def examine(info: dict[str, Any], next_seq: int) -> int:
            if self._lineage and not self._lineage.is_known and not self._was_at_the_end:
                # What comes back may be another log: its epochs are true once somebody has found that out.
                await self._lineage.known()
                info = await self._link.api(f"STREAM.INFO.{chat_stream(s)}", {})
            state = epochs.state_of(info)
            known = self.epochs.get(s)
            begun = _begun_below(state.epochs, known, next_seq)
            if state.last < next_seq - 1 or begun:
                self.rolled_back_streams.add(s)
                self.rolled_back.set()
                _log.error("log.rolled_back", stream=s, last=state.last, had_read=next_seq - 1)
                if not begun:
                    state = await epochs.begin(
                        self._link, chat_stream(s), known.now if known else 0, next_seq - 1, int(time.time())
                    )
                    begun = _begun_below(state.epochs, known, next_seq)
                # What others have stored meanwhile belongs to the new epoch: read on from its beginning, not behind it.
                next_seq = min([*begun, state.last + 1])
            self.epochs[s] = state.epochs
            await self._has_compared(s)
            return next_seq

        return Feed(
            self._link,
            chat_stream(s),
            receive,
            start=start,
            room=lambda: self._most_each - len(queue),
            examine=examine,
        )

    def _lost(self) -> None:
        if self._compared >= self._queues.keys():
            self._was_at_the_end = all(f.was_at_the_end for f in self._feeds.values())
        # Else it was lost while it was compared: what was known before is what is known.
        self._compared.clear()

    async def _has_compared(self, s: str) -> None:
        """One stream is as it was left, or has its new epoch; once all are, others may write."""
        self._compared.add(s)
        if self._lineage and not self._lineage.is_known and self._compared >= self._queues.keys():
            # A node may have seen more than was read here, and begins an epoch now: nobody writes until we vouch.
            await asyncio.sleep(OTHERS_LOOK_S)
            for each in self._queues:
                self.epochs[each] = (await epochs.stream_state(self._link, chat_stream(each))).epochs
            await self._lineage.vouch()

    def _take(self, max_events: int, max_bytes: int) -> list[Entry]:
        taken: list[Entry] = []
        size = 0
        for s, queue in self._queues.items():
            while queue and len(taken) < max_events:
                size += len(queue[0].raw)
                if taken and size > max_bytes:
                    return taken
                taken.append(queue.popleft())
                self.buffered -= 1
            self._feeds[s].look_again()
        return taken


def _begun_below(now: epochs.Epochs, known: epochs.Epochs | None, next_seq: int) -> list[int]:
    """Where epochs begin that weren't known when what lies below `next_seq` was read."""
    return [first for epoch, first in now.stretches if known and epoch > known.now and first < next_seq]


async def read_range(link: Link, s: str, first: int, last: int) -> list[Entry]:
    """Exactly the stored events of stream `s` with first <= sequence <= last.

    Raises TimeoutError after 60 s.
    """
    found: list[Entry] = []
    state = await epochs.stream_state(link, chat_stream(s))
    first, last = max(first, state.first), min(last, state.last)
    if last < first:
        return found
    reader = Reader(link, {s: first})
    try:
        async with asyncio.timeout(RANGE_TIMEOUT_S):
            while True:
                # The stream's own last event always exists, so that this read always ends.
                for entry in await reader.read():
                    if entry.seq <= last:
                        found.append(entry)
                    if entry.seq >= last:
                        return found
    finally:
        await reader.close()
