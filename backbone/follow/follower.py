"""Follows the log for one adapter: cursors, epochs, roll-back, batches, `DEAD`, ticks, back-pressure, lag.

One event after the other of every stream, at least once; what the adapter keeps and the cursor behind it are written in
this order, so that a kill between the two brings events again and loses none. Back-pressure: no more is read while the
adapter is at work than the reader's buffer holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import msgspec
import prometheus_client
import structlog
from msgspec import Struct

from backbone import failpoints
from backbone.errors import TooLargeError, TrunklineError
from backbone.follow.adapter import Adapter, Refusal
from backbone.follow.suspects import Suspects
from backbone.nats.cursors import Cursor, forget_cursor, get_cursor, put_cursor
from backbone.nats.epochs import begin, stream_state
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.nats.reader import Entry, Reader
from backbone.nats.streams import chat_stream
from backbone.nats.worker import bury_surely
from backbone.process.pace import Load

STATE_MOST: Final = 128 * 1024
"""Bytes of state in one cursor: half of what a bucket takes in a record."""

_unread = prometheus_client.Gauge(
    "trunkline_follower_unread", "Events stored and not yet taken, by adapter.", ["adapter"]
)
_behind = prometheus_client.Gauge(
    "trunkline_follower_behind_seconds",
    "Age of the event that was taken last, while more wait; 0 at the end of the log. By adapter.",
    ["adapter"],
)
_taken = prometheus_client.Counter("trunkline_follower_taken", "Events taken, by adapter.", ["adapter"])
_begun = prometheus_client.Counter(
    "trunkline_follower_begun", "Times that following began, from the cursors or from the log's beginning.", ["adapter"]
)

_log = structlog.get_logger("backbone.follow")


class RolledBackError(TrunklineError):
    """The log ends below what was read of it: what is known may be of a future that was lost."""

    code = "log.rolled_back"


class PoisonedError(TrunklineError):
    """The adapter failed at events: it begins again and takes them one by one."""

    code = "follow.poisoned"


class Turns(Struct, frozen=True, kw_only=True):
    """Bounds of a batch (`events`, `bytes`, the seconds it waits for more), of the buffer (events), and of time."""

    events: int = 1000
    bytes: int = 4 * 1024 * 1024
    linger_s: float = 0.005
    """What comes in within it is taken at once: under load far fewer turns."""

    buffered: int = 20_000
    tick_s: float = 1.0
    commit_every_s: float = 2.0
    commits_behind: bool = True
    """Whether cursors are written before the end of the log was reached, so that a kill doesn't begin it all again."""


class Follower:
    """One active reader of the log, from the moment it holds the lease. `run` once."""

    def __init__(
        self,
        link: Link,
        adapter: Adapter,
        *,
        name: str,
        reader: str,
        streams: Sequence[str],
        lineage: Lineage | None = None,
        is_witness: bool = False,
        turns: Turns | None = None,
        suspects: Suspects | None = None,
    ) -> None:
        """`name`: in metrics and `DEAD`. `reader`: name of its cursors. `streams`: two digits each.

        `is_witness`: its user of NATS may begin epochs, so it vouches for the log after a reconnect (`Lineage`).
        """
        self._link = link
        self.adapter = adapter
        self._name = name
        self._cursor_name = reader
        self._streams = list(streams)
        self._lineage = lineage
        self._is_witness = is_witness
        self._turns = turns or Turns()
        self.linger_s = self._turns.linger_s
        """How long a batch waits for more; may be changed while following."""

        self._leaving = asyncio.Event()
        self._starts: dict[str, int] = {}
        self._suspects = suspects or Suspects()
        self._reader: Reader | None = None
        self._position: dict[str, Cursor] = {}
        self._written: dict[str, tuple[int, int]] = {}
        self._newest_ms = 0
        self._is_caught_up = False
        self._doing = "What was kept is being read."
        self._stuck = ""
        self._between = asyncio.Lock()
        """Held while a batch is taken: state is asked for between two, never in the middle of one."""
        self._at_hand = 0
        """Events of the batch that is being taken, which may wait for `DEAD` for ever. Of one that was left in the
        middle they stay: what is known is of no cursor, and none is written any more.
        """

        self._committing = asyncio.Lock()
        """No cursor overtakes a later one."""

    # --- what others ask -----------------------------------------------------------------------

    def problem(self) -> str | None:
        """None once the end of the log was reached and cursors can be written; else a sentence, as readiness has it."""
        return (self._stuck or None) if self._is_caught_up else self._doing

    def load(self) -> Load:
        """What waits in the log, and how far it was taken; before the end is reached something waits."""
        done = sum((cursor.epoch << 64) + cursor.seq for cursor in self._position.values())
        return Load(self.unread if self._is_caught_up and self._reader else 1, done)

    def lasts(self) -> dict[str, int]:
        """The last sequence that was taken of each stream."""
        return {s: cursor.seq for s, cursor in self._position.items()}

    @property
    def unread(self) -> int:
        """Events known to be in the log that haven't been taken."""
        return self._at_hand + (self._reader.pending if self._reader else 0)

    def epoch_of(self, s: str, seq: int) -> int | None:
        """The epoch of a stored sequence; None where the stream isn't known yet."""
        known = self._reader.epochs.get(s) if self._reader else None
        return known.number(seq) if known else None

    # --- following -----------------------------------------------------------------------------

    def leave(self) -> None:
        """Finishes the batch at hand and writes the cursors: then `run` returns."""
        self._leaving.set()
        if self._reader:
            self._reader.leave()

    async def run(self) -> None:
        """Follows until cancelled, or until `leave`.

        Raises, in a group, TrunklineError where the log can't be read or written, RolledBackError where it went back,
        PoisonedError where the adapter failed at events; and whatever else the adapter raises.
        """
        _begun.labels(self._name).inc()
        is_valid = True
        async with asyncio.TaskGroup() as tasks:
            try:
                starts = await self._restore()
                self._reader = reader = Reader(
                    self._link,
                    starts,
                    self._turns.buffered,
                    lineage=self._lineage,
                    is_witness=self._is_witness,
                )
                try:
                    caught_up = tasks.create_task(reader.caught_up())
                    beside = (self._until_rolled_back(reader), self._ticks(reader), self.adapter.beside())
                    running = [caught_up, *(tasks.create_task(one) for one in beside)]
                    await self._read_on(reader, caught_up)
                    for task in running:
                        task.cancel()
                    if self._may_commit():
                        await self._commit(reader)
                except PoisonedError:
                    is_valid = False
                    raise
                finally:
                    is_valid = is_valid and not reader.rolled_back.is_set()
                    await reader.close()
            finally:
                await self.adapter.ended(is_valid=is_valid)

    async def _restore(self) -> dict[str, int]:
        cursors = await self._cursors()
        starts = dict.fromkeys(self._streams, 1) | {
            s: start for s, start in (await self.adapter.restore(cursors)).items() if s in self._streams
        }
        self._starts = starts
        self._position = {s: cursor for s, cursor in cursors.items() if starts[s] == cursor.seq + 1}
        self._written = {s: (cursor.epoch, cursor.seq) for s, cursor in self._position.items()}
        self._doing = "What the log holds is being read."
        _log.info("follow.restored", adapter=self._name, starts=starts)
        return starts

    async def _cursors(self) -> dict[str, Cursor]:
        """The cursors that hold in the log as it is."""
        found = {}
        for s in self._streams:
            cursor = await get_cursor(self._link, self._cursor_name, s)
            if cursor is None:
                continue
            state = await stream_state(self._link, chat_stream(s))
            if state.last < cursor.seq and self._is_witness:
                # It ends below what was read, and whoever saw that first was ended before an epoch had begun.
                state = await begin(self._link, chat_stream(s), cursor.epoch, cursor.seq, int(time.time()))
            if cursor.seq <= state.last and state.epochs.holds(cursor.epoch, cursor.seq):
                found[s] = cursor
        return found

    async def _read_on(self, reader: Reader, caught_up: asyncio.Task[None]) -> None:
        turns = self._turns
        while not self._leaving.is_set():
            entries = await reader.read(turns.events, turns.bytes, self.linger_s)
            if not entries:
                continue
            if failpoints.ARMED:
                failpoints.reach("follow.fetched")
            if reader.rolled_back.is_set():
                # Nothing of the new epoch is taken on top of the lost future; `_until_rolled_back` ends us.
                await asyncio.Event().wait()
            for batch in self._suspects.batches(entries):
                if await self._take(batch) and self._may_commit():
                    # It is passed over for good; without that a run of such events would never be.
                    await self._commit(reader)
            if caught_up.done() and not reader.buffered and not self._is_caught_up:
                await self._come_to_the_end()
            if self._is_caught_up:
                await self.adapter.work()

    def _may_commit(self) -> bool:
        return self._is_caught_up or self._turns.commits_behind

    async def _take(self, batch: list[Entry]) -> bool:
        """Whether it was a poison event, which was passed over."""
        is_poison = self._suspects.is_poison(batch[0])
        async with self._between:
            self._at_hand = len(batch)
            if not is_poison:
                for refusal in await self._taken(batch):
                    # Before the cursor may pass it: else a kill would hide the fault.
                    await bury_surely(self._link, self._name, refusal.entry, 1, refusal.error)
            for entry in batch:
                self._position[entry.s] = Cursor(entry.epoch, entry.seq)
            self._at_hand = 0
        self._newest_ms = batch[-1].at_ms
        _taken.labels(self._name).inc(len(batch))
        return is_poison

    async def _taken(self, batch: list[Entry]) -> Sequence[Refusal]:
        try:
            refused = await self.adapter.take(batch)
        except self.adapter.blameless:
            raise
        except Exception as error:
            _log.exception("follow.failed", adapter=self._name, events=len(batch), at=batch[0].seq)
            poison = self._suspects.failed(batch)
            if poison is not None:
                await bury_surely(self._link, self._name, poison, 1, error)
            raise PoisonedError(message=f"{self._name} failed at {len(batch)} events: {error!r}") from error
        self._suspects.took()
        return refused

    async def _come_to_the_end(self) -> None:
        await self.adapter.caught_up()
        self._is_caught_up = True

    # --- roll-back -----------------------------------------------------------------------------

    async def _until_rolled_back(self, reader: Reader) -> None:
        """Raises RolledBackError, once no cursor vouches for what was made of the future that was lost."""
        await reader.rolled_back.wait()
        while True:
            try:
                must_forget = [await self.adapter.rolled_back(s) for s in sorted(reader.rolled_back_streams)]
                if any(must_forget):
                    for s in self._streams:
                        await forget_cursor(self._link, self._cursor_name, s)
            except TrunklineError as error:
                _log.warning("follow.waiting", adapter=self._name, code=error.code, error=error.message)
                await asyncio.sleep(self._turns.tick_s)
            else:
                raise RolledBackError(message="The log was put back to an older state.")

    # --- time ----------------------------------------------------------------------------------

    async def _ticks(self, reader: Reader) -> None:
        turns = self._turns
        committed_at = time.monotonic()
        while True:
            await asyncio.sleep(turns.tick_s)
            now = time.monotonic()
            self._measure(reader)
            is_caught_up = self._is_caught_up
            if not is_caught_up and reader.is_attached and not reader.pending:
                await self._come_to_the_end()
            try:
                if is_caught_up:
                    await self.adapter.tick(now)
                if now - committed_at >= turns.commit_every_s and (is_caught_up or turns.commits_behind):
                    committed_at = now
                    await self._commit(reader)
                    self._stuck = ""
            except TrunklineError as error:
                # Mostly the log is away: what was to be done is done when it is back, from the same state.
                self._stuck = error.message if isinstance(error, TooLargeError) else self._stuck
                _log.warning("follow.waiting", adapter=self._name, code=error.code, error=error.message)

    def _measure(self, reader: Reader) -> None:
        waiting = reader.pending
        _unread.labels(self._name).set(waiting)
        _behind.labels(self._name).set(
            max(0.0, time.time() - self._newest_ms / 1000) if waiting and self._newest_ms else 0
        )

    async def _commit(self, reader: Reader) -> None:
        async with self._committing:
            await self._write_cursors(reader)

    async def _write_cursors(self, reader: Reader) -> None:
        async with self._between:
            if self._at_hand:
                return
            for s, start in self._starts.items():
                if s not in self._position and start > 1 and s in reader.epochs:
                    # The adapter keeps its place by itself: the cursor comes after it.
                    self._position[s] = Cursor(reader.epochs[s].number(start - 1), start - 1)
            cursors = {s: self._with_state(s, cursor) for s, cursor in self._position.items()}
        await self.adapter.commit(cursors)
        if failpoints.ARMED:
            failpoints.reach("follow.before_cursor")
        for s, cursor in cursors.items():
            if reader.rolled_back.is_set():
                return
            place = (cursor.epoch, cursor.seq)
            if self._written.get(s) != place:
                await put_cursor(self._link, self._cursor_name, s, cursor)
                self._written[s] = place
                self._suspects.kept(s, cursor.epoch, cursor.seq)

    def _with_state(self, s: str, cursor: Cursor) -> Cursor:
        state = self.adapter.state(s)
        if state is None:
            return cursor
        raw = msgspec.json.encode(state)
        if len(raw) > STATE_MOST:
            raise TooLargeError(
                "follow.state_too_large",
                f"The state of {self._name} in stream {s} has {len(raw):,} bytes, more than {STATE_MOST:,}. "
                "Keep less in the cursor, or keep it elsewhere.",
            )
        # As it is now: what comes in while it is being written belongs to the next cursor.
        return Cursor(cursor.epoch, cursor.seq, msgspec.Raw(raw))
