"""One conversation that sockets of this node are attached to: its head, its last sequence, its viewers.

A room is the single sequencer of its conversation on this node. Live events advance it; a gap, a lost
connection or doubt makes it read on from its own sequence. What a viewer gets is therefore one gapless run
of the log, in the log's order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import structlog

from backbone import events as ev
from backbone import failpoints
from backbone.access import Scope
from backbone.acks import is_of, place_of, stored_at
from backbone.conversation import Head, fold, seen_by_visitor
from backbone.decide import parse_tolerant
from backbone.errors import TrunklineError, UnavailableError
from backbone.log import Log
from backbone.nats.wire.header import REFLECTED, is_reflected
from node.metrics import PUSH_SECONDS
from node.protocol.frames import Err, Signalled, encode, ev_frame, skip_frame

CATCH_UP_PAGE: Final = 256
RETRY_S: Final = 0.5
RETRIES: Final = 20
PUSH_MASK: Final = 7
"""One event in eight is timed: a thousandth of what an event costs."""

_log = structlog.get_logger("node.rooms.room")


class LiveSignal(msgspec.Struct, frozen=True):
    """What goes over the `live` subject unstored: a frame, and the session it came from."""

    session: str
    signal: Signalled


_signal_decoder = msgspec.json.Decoder(LiveSignal)


class RolledBackError(UnavailableError):
    """The log no longer holds what was shown: it was restored from a copy."""

    def __init__(self) -> None:
        super().__init__("log.unavailable", "The log was restored from a copy. Try again soon.", retry_after_ms=500)


class Viewer(Protocol):
    """A socket's side of one conversation."""

    session: str
    is_visitor: bool
    scope: Scope

    def push(self, frame: bytes, seq: int) -> None:
        """An event (or skip) of the conversation, in order."""

    def push_signal(self, frame: bytes) -> None:
        """Something unstored."""

    def begin_again(self, frame: bytes) -> None:
        """What was shown is no longer in the log, or no longer theirs; `frame` says so, and nothing follows."""


class Room:
    """Attached to the live subject from `__init__` on; `load` brings it up to now."""

    __slots__ = (
        "__weakref__",
        "_catching_up",
        "_doubts",
        "_is_behind",
        "_is_sure",
        "_last",
        "_log",
        "_on_rollback",
        "_subscription",
        "head",
        "idle_since",
        "subject",
        "viewers",
        "visits",
    )

    def __init__(self, log: Log, subject: str, head: Head, on_rollback: Callable[[Room], None]) -> None:
        self._log = log
        self._on_rollback = on_rollback
        self._is_sure = False
        self._doubts = 0
        self._last: int | None = None
        self.subject = subject
        self.head = head
        self.viewers: set[Viewer] = set()
        self.visits = 0
        self.idle_since = 0.0
        self._is_behind = True
        self._catching_up: asyncio.Task[None] | None = None
        self._subscription = log.attach(subject, self._receive)

    @property
    def seq(self) -> int:
        """The last sequence that viewers were given."""
        return self.head.seq

    @property
    def is_sure(self) -> bool:
        """Whether the log is known to hold what was shown: not after a lost connection, until it was asked."""
        return self._is_sure

    @property
    def in_use(self) -> bool:
        """Whether somebody views it or a command works on it."""
        return bool(self.viewers) or self.visits > 0

    def close(self) -> None:
        """Detaches."""
        self._log.detach(self._subscription)
        if self._catching_up:
            self._catching_up.cancel()

    def doubt(self) -> None:
        """The connection was lost: the log that comes back may be an older copy."""
        self._is_sure = False
        self._doubts += 1

    def holds(self, raw: bytes) -> bool:
        """Whether the event at this room's sequence, read again, is the one that was shown."""
        return self._last is None or self._last == hash(raw)

    async def load(self) -> None:
        """Reads on to the end of the log. Raises RolledBackError, or TrunklineError if the log can't be read."""
        if not self._catching_up or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._read_on())
        reading = self._catching_up
        await asyncio.wait({reading})
        if reading.cancelled():
            # The room was closed meanwhile: that ends the reading, and not the work of who waited for it.
            raise RolledBackError
        reading.result()

    def suspect(self, last: int | None = None) -> None:
        """Something may have been missed (`last`: the sequence the log is at, if known): read on if so."""
        if last is not None and last <= self.seq and not self._is_behind:
            return
        self._is_behind = True
        if not self._catching_up or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._read_on_with_retries())

    def _receive(self, _subject: bytes, _reply: bytes, header: bytes | None, raw: bytes) -> None:
        seq, prev = place_of(header)
        if seq and not is_of(header, self.subject):
            return
        raw = REFLECTED if is_reflected(header, as_direct=True) else raw
        if not seq:
            self._signal(raw)
        elif seq <= self.seq:
            return
        elif self._is_behind or prev != self.seq:
            # Reading on finds this event as well: the log has it already. One that follows something older than
            # what was shown can only come from a log that went back: reading on finds that too.
            self.suspect()
        else:
            self._advance(seq, raw)
            if not seq & PUSH_MASK and self.viewers and (at := stored_at(header)):
                PUSH_SECONDS.observe(max(0.0, time.time() - at))

    def _advance(self, seq: int, raw: bytes) -> None:
        head = self.head
        self._last = hash(raw)
        event: ev.Event | ev.Envelope | None = None
        try:
            event = parse_tolerant(raw)
            self.head = fold(head, event, seq)
        except msgspec.DecodeError:
            # Nobody can be shown what isn't an event; the mark moves on so that the rest goes on.
            _log.error("event.unreadable", subject=self.subject, seq=seq)
            self.head = msgspec.structs.replace(head, seq=seq)
        if self.viewers:
            if failpoints.ARMED:
                failpoints.reach("node.before_push")
            if isinstance(event, ev.ContactMerged) and self.head.contact.id != head.contact.id:
                self._send_visitors_away(head.conv)
            self._show(head.conv, seq, head.seq, event, raw)
            if self.head.agent != head.agent or self.head.team != head.team:
                self._send_strangers_away()

    def _show(self, conv: str, seq: int, prev: int, event: ev.Event | ev.Envelope | None, raw: bytes) -> None:
        """One frame for all who may see the event, and one for the others, however many there are."""
        skip = skip_frame(conv, seq, prev)
        whole = ev_frame(conv, seq, prev, raw) if event else skip
        for_visitors = b""
        for viewer in tuple(self.viewers):
            if viewer.is_visitor and not for_visitors:
                seen = seen_by_visitor(event, raw) if event else None
                for_visitors = whole if seen is raw else ev_frame(conv, seq, prev, seen) if seen else skip
            viewer.push(for_visitors if viewer.is_visitor else whole, seq)

    def _send_visitors_away(self, conv: str) -> None:
        """The conversation has become somebody else's: who came with the former contact's token sees no more of it."""
        frame = encode(
            Err(conv=conv, code="resource.not_found", message="The conversation belongs to a signed-in user now.")
        )
        for viewer in tuple(self.viewers):
            if viewer.is_visitor:
                viewer.begin_again(frame)

    def _send_strangers_away(self) -> None:
        """It was handed on: whose scope it has left sees that it was, and no more of it."""
        frame = encode(Err(conv=self.head.conv, code="resource.not_found", message="The conversation went to others."))
        for viewer in tuple(self.viewers):
            if not viewer.is_visitor and not viewer.scope.holds(self.head):
                viewer.begin_again(frame)

    def _signal(self, raw: bytes) -> None:
        try:
            live = _signal_decoder.decode(raw)
        except msgspec.DecodeError as wrong:
            _log.warning("signal.unreadable", subject=self.subject, error=str(wrong))
            return
        signal = live.signal
        frame = encode(signal)
        for viewer in list(self.viewers):
            if viewer.session == live.session:
                continue
            if viewer.is_visitor and (signal.kind == "viewing" or signal.by_kind == "visitor"):
                continue
            viewer.push_signal(frame)

    async def _read_on(self) -> None:
        """From the last event shown, inclusive: the log must still hold that one."""
        more = True
        doubts = self._doubts
        while more:
            self._is_behind = False
            shown = self.seq
            page, more = await self._log.replay(self.subject, max(0, shown - 1), CATCH_UP_PAGE)
            if shown:
                if not page or page[0].seq != shown or (shown == self.seq and not self.holds(page[0].raw)):
                    raise RolledBackError
                page = page[1:]
            for event in page:
                if event.seq > self.seq:
                    self._advance(event.seq, event.raw)
            # An event that came in while the page was on its way was left to the next page.
            more = more or self._is_behind
            if not more and doubts != self._doubts:
                # The connection was lost since: what was read is of the log before, which may have gone back.
                more, doubts = True, self._doubts
        self._is_sure = True

    async def _read_on_with_retries(self) -> None:
        for attempt in range(RETRIES):
            try:
                await self._read_on()
            except RolledBackError:
                self._on_rollback(self)
                return
            except TrunklineError as error:
                self._is_behind = True
                _log.warning("room.behind", subject=self.subject, attempt=attempt, error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                return
