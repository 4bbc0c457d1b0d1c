"""The loop that brings the log into the tables: one loader a group, by lease; reads, numbers, loads, goes on.

Each step that touches the engine runs on its writer, one after the other, so that memory and cursors
belong to one thread at a time.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog

from adapters.warehouse import journal, load, migrations, plan, rollback
from adapters.warehouse.decode import Stored, decode
from adapters.warehouse.engine import Engine, NoRoomError, rows
from adapters.warehouse.journal import Promise
from adapters.warehouse.memory import Memory
from adapters.warehouse.metrics import EVENTS, FAULTS, LAG, LINGER, LOAD_SECONDS, UNREAD
from adapters.warehouse.migrations import SchemaError
from adapters.warehouse.plan import Place, Range
from adapters.warehouse.reach import Pauses, Saying
from adapters.warehouse.room import Room
from adapters.warehouse.server import AwayError
from adapters.warehouse.settings import Warehouse
from adapters.warehouse.statements import internal
from backbone import failpoints
from backbone.clock import utc_ms
from backbone.errors import TrunklineError
from backbone.nats import cursors as kept_cursors
from backbone.nats import epochs
from backbone.nats.cursors import Cursor
from backbone.nats.epochs import StreamState
from backbone.nats.leases import Lease
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.nats.reader import Entry, Reader, read_range
from backbone.nats.streams import chat_stream, names_of_log
from backbone.nats.worker import PoisonError, bury
from backbone.process.pace import Load
from backbone.space import Marks
from backbone.until import until

READER: Final = "warehouse"
"""The name of our cursors in bucket `cursors`."""
COPY_EVERY_S: Final = 1.0
IDLE_S: Final = 1.0
PARTS_EVERY_S: Final = 10.0
MANY_PARTS: Final = 300
LINGER_MOST_S: Final = 1.0
RETRY_S: Final = 1.0

_log = structlog.get_logger("warehouse.loader")


class Loader:
    """Loads until told to leave. Made once; `run` takes the lease first."""

    def __init__(
        self,
        link: Link,
        engine: Engine,
        settings: Warehouse,
        lease: Lease,
        *,
        lineage: Lineage | None = None,
        room: Room | None = None,
    ) -> None:
        """`lineage`: it reads nothing before it is known what log it reads, and vouches for it afterwards."""
        self._link = link
        self._engine = engine
        self._settings = settings
        self._lease = lease
        self._lineage = lineage
        self._room = room or Room("", Marks())
        self._memory = Memory(settings.hot_conversations)
        self._cursors: dict[str, Place] = {}
        self._copied: dict[str, Place] = {}
        self._copied_at = 0.0
        self._states: dict[str, StreamState] = {}
        self._seen: dict[str, int] = {}
        self._number = 0
        self._linger_s = settings.load_ms / 1000
        self._parts_at = 0.0
        self._oldest_ms = 0
        self._reader: Reader | None = None
        self._leaving = asyncio.Event()
        self._left = asyncio.Event()
        self.newest_ms = 0
        self.problem: str | None = None
        """Why nothing is loaded now, as readiness wants it; None while loading goes on."""
        LAG.set_function(self.lag_s)
        UNREAD.set_function(self.unread)

    async def run(self) -> None:
        """Takes the lease, finishes what a killed loader left, then loads until `leave`.

        Raises TrunklineError `warehouse.lease_lost` or `warehouse.fenced` when another loader has taken over.
        """
        try:
            if await until(self._leaving, self._lease.take()) and not await self._lease.while_held(self._work()):
                raise TrunklineError("warehouse.lease_lost", "The lease of the loader is lost; another may load now.")
        finally:
            self._left.set()

    async def leave(self) -> None:
        """Finishes the load at hand, copies the cursors and gives the lease back."""
        self._leaving.set()
        await self._left.wait()
        if self._lease.is_held:
            await self._copy_cursors()
        await self._lease.release()

    def lag_s(self) -> float:
        """Seconds since the oldest event was stored that isn't in the tables yet; 0 if none is known."""
        oldest = self._oldest_ms or (self.newest_ms if self._reader and self._reader.pending else 0)
        return max(0.0, time.time() - oldest / 1000) if oldest else 0.0

    def unread(self) -> int:
        """Events known to be in the log that haven't been taken."""
        return self._reader.pending if self._reader else 0

    def load(self) -> Load | None:
        """What waits in the log, and how far it is in the tables; None while another process loads."""
        if not self._lease.is_held:
            return None
        waiting = max(self.unread(), int(self._oldest_ms > 0)) if self._reader else 1
        return Load(waiting, sum((place.epoch << 64) + place.seq for place in self._cursors.values()))

    async def _work(self) -> None:
        pauses, saying = Pauses(), Saying("loading_waits")
        while not self._leaving.is_set():
            number = self._number
            try:
                await self._migrate()
                await self._load_on()
            except NoRoomError as full:
                # What was half done is found by the journal, as after a kill.
                self._memory = Memory(self._settings.hot_conversations)
                await self._room.refused(self._leaving, full.message)
            except (AwayError, SchemaError) as away:
                if self._engine.target.path:
                    raise
                # The same; and a server is put right by others, who don't start us again.
                self._memory = Memory(self._settings.hot_conversations)
                self.problem = away.message
                saying.say(away.message)
                if self._number > number:
                    pauses.reset()
                await self._engine.reach.pause(self._leaving, pauses.take())

    async def _migrate(self) -> None:
        cluster = self._settings.cluster
        applied = await self._engine.write(lambda client: migrations.migrate(client, cluster))
        if applied:
            _log.info("warehouse.migrated", files=applied)
        if self._lineage:
            await self._lineage.known()

    async def _load_on(self) -> None:
        """Finishes what was left, then loads until `leave`. Raises NoRoomError."""
        await self._room.wait(self._leaving)
        await self._recover()
        self.problem = None
        starts = {s: self._start(s, state) for s, state in self._states.items()}
        self._reader = Reader(self._link, starts, lineage=self._lineage)
        try:
            while not self._leaving.is_set():
                await self._once(self._reader)
        finally:
            await self._reader.close()

    # --- start -----------------------------------------------------------------------------

    async def _recover(self) -> None:
        group = self._settings.group
        done = await self._engine.write(lambda client: journal.newest_done(client, group))
        self._number, self._cursors, self.newest_ms = done.number, done.cursors, done.newest_ms
        self._states = await self._streams()
        _log.info("warehouse.resuming", load=done.number, streams=len(self._states), fence=self._lease.token)
        for s, state in self._states.items():
            cursor = self._cursors.get(s)
            if cursor and not state.epochs.holds(*cursor):
                await self._set_aside(s)
        # Before anything is loaded: every load's done row says what is owed, and the next start believes it.
        if done.unwritten_since_ms:
            keys = await self._engine.write(lambda client: load.moved_since(client, done.unwritten_since_ms))
            self._memory.owe(keys, done.unwritten_since_ms)
        for begun in await self._engine.write(lambda client: journal.unfinished(client, group, done.number)):
            entries: list[Entry] = []
            for r in begun.ranges:
                entries += await self._promised(r)
            decoded = await self._decode(entries)
            await self._load(decoded, begun.ranges, begun.number, is_promised=True)
            _log.info("warehouse.load_resumed", load=begun.number, ranges=begun.ranges, events=len(decoded))
        await self._copy_cursors()

    async def _streams(self) -> dict[str, StreamState]:
        """Every stream of the log as it is now; where one ends below our cursor a new epoch begins in it."""
        while True:
            names = await names_of_log(self._link)
            if names:
                break
            _log.warning("warehouse.no_streams", hint="run `trunkline init`")
            await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        states = {}
        for name in names:
            s = name.removeprefix(chat_stream(""))
            state = await epochs.stream_state(self._link, name)
            cursor = self._cursors.get(s)
            if cursor and state.last < cursor.seq and state.epochs.holds(*cursor):
                _log.error("warehouse.log_lost_its_tail", stream=s, last=state.last, had_loaded=cursor.seq)
                state = await epochs.begin(self._link, name, cursor.epoch, cursor.seq, int(time.time()))
            states[s] = state
        return states

    async def _set_aside(self, s: str) -> None:
        """Takes what the log lost of a stream out of the tables; its state is known."""
        await self._engine.write(
            partial(
                rollback.set_aside,
                s=s,
                now=self._states[s].epochs,
                memory=self._memory,
                holds=self._holds,
                keep_days=self._settings.keep_days,
            )
        )

    def _start(self, s: str, state: StreamState) -> int:
        start = plan.resume_at(self._cursors.get(s), state)
        self._seen[s] = start - 1
        return start

    async def _promised(self, r: Range) -> list[Entry]:
        """The entries of a promised range that the log still has under the range's epoch."""
        state = self._states.get(r.s)
        if state is None or not state.epochs.holds(r.epoch, r.first):
            _log.error("warehouse.promised_range_is_lost", stream=r.s, epoch=r.epoch, first=r.first, last=r.last)
            return []
        found = await read_range(self._link, r.s, r.first, r.last)
        return [entry for entry in found if state.epochs.holds(r.epoch, entry.seq)]

    # --- each turn -------------------------------------------------------------------------

    async def _once(self, reader: Reader) -> None:
        if entries := await self._read(reader):
            await self._room.wait(self._leaving)
            if failpoints.ARMED:
                failpoints.reach("warehouse.fetched")
            self._oldest_ms = min(entry.at_ms for entry in entries)
            while entries:
                count = await self._look_for_new_epochs(entries)
                for rows_of_month in plan.cut(await self._decode(entries[:count])):
                    await self._load(rows_of_month, plan.ranges(rows_of_month), self._number + 1)
                entries = entries[count:]
            self._oldest_ms = 0
        else:
            await self._write_due()
        if time.monotonic() - self._copied_at >= COPY_EVERY_S:
            await self._copy_cursors()
        if time.monotonic() - self._parts_at >= PARTS_EVERY_S:
            await self._mind_parts()

    async def _read(self, reader: Reader) -> list[Entry]:
        """What has arrived; nothing after a while without any, or when leaving."""
        settings = self._settings
        reading = asyncio.create_task(reader.read(settings.load_events, settings.load_bytes, self._linger_s))
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            # Longer than the reader lingers, so that what it waits with is never left behind.
            await asyncio.wait({reading, leaving}, timeout=IDLE_S + self._linger_s, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else []
        finally:
            reading.cancel()
            leaving.cancel()

    async def _look_for_new_epochs(self, entries: Sequence[Entry]) -> int:
        """How many entries belong to the past that is known; where a stream begins again, it is looked at anew."""
        for n, entry in enumerate(entries):
            has_gone_back = entry.seq <= self._seen.get(entry.s, 0)
            if has_gone_back or entry.epoch > self._states[entry.s].epochs.now:
                if n:
                    return n
                self._states[entry.s] = await epochs.stream_state(self._link, chat_stream(entry.s))
                if has_gone_back:
                    _log.error("warehouse.log_began_again", stream=entry.s, at=entry.seq)
                    self._memory.forget()
                    await self._set_aside(entry.s)
            self._seen[entry.s] = entry.seq
        return len(entries)

    async def _decode(self, entries: Sequence[Entry]) -> list[Stored]:
        """The entries as rows, on the writer's thread; what can't be read goes to DEAD as well."""

        def work(_client: object) -> list[Stored]:
            return [decode(entry, entry.epoch) for entry in entries]

        decoded = await self._engine.write(work)
        for entry, row in zip(entries, decoded, strict=True):
            if row.fault:
                await self._bury(entry, row.fault)
        return decoded

    async def _bury(self, entry: Entry, fault: str) -> None:
        """Going on without the entry in DEAD would hide the fault: waits for the log, for ever, with jitter."""
        while True:
            try:
                await bury(self._link, "warehouse", entry, 1, PoisonError(fault))
            except TrunklineError as error:
                _log.warning("warehouse.bury_failed", stream=entry.s, seq=entry.seq, error=str(error))
                await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            else:
                FAULTS.inc()
                _log.warning("warehouse.event_unreadable", stream=entry.s, seq=entry.seq, fault=fault)
                return

    async def _load(
        self, decoded: Sequence[Stored], ranges: tuple[Range, ...], number: int, *, is_promised: bool = False
    ) -> None:
        after = plan.advance(self._cursors, ranges)
        newest_ms = max([self.newest_ms, *(row.stored_ms for row in decoded)])
        promise = Promise(self._settings.group, number, self._lease.token, ranges)
        one = load.Load(promise, decoded, after, newest_ms, is_promised)
        with LOAD_SECONDS.time():
            await self._engine.write(
                partial(
                    load.perform, load=one, memory=self._memory, holds=self._holds, keep_days=self._settings.keep_days
                )
            )
        self._number, self._cursors, self.newest_ms = number, after, newest_ms
        EVENTS.inc(len(decoded))

    def _holds(self, s: str, epoch: int, seq: int) -> bool:
        state = self._states.get(s)
        return (
            state is not None and state.epochs.holds(epoch, seq) and (epoch, seq) <= self._cursors.get(s, Place(0, 0))
        )

    async def _write_due(self) -> None:
        now_ms = utc_ms()
        if self._memory.is_due(now_ms):
            await self._engine.write(
                partial(
                    load.write_due,
                    memory=self._memory,
                    holds=self._holds,
                    now_ms=now_ms,
                    keep_days=self._settings.keep_days,
                )
            )

    async def _copy_cursors(self) -> None:
        """Tells the janitor what the log may forget; a failure is told and made good by the next copy."""
        self._copied_at = time.monotonic()
        if failpoints.ARMED:
            failpoints.reach("warehouse.before_cursor")
        for s, place in self._cursors.items():
            if self._copied.get(s) == place:
                continue
            try:
                await kept_cursors.put_cursor(self._link, READER, s, Cursor(place.epoch, place.seq))
            except TrunklineError as error:
                _log.warning("warehouse.cursor_not_copied", stream=s, error=str(error))
                return
            self._copied[s] = place

    async def _mind_parts(self) -> None:
        """Above 300 parts in a partition the interval doubles, up to 1 s; below, it comes back."""
        self._parts_at = time.monotonic()
        found = await self._engine.write(lambda client: rows(client, internal("parts"), {}))
        base_s = self._settings.load_ms / 1000
        if int(found[0][0] or 0) > MANY_PARTS:
            self._linger_s = min(self._linger_s * 2, max(LINGER_MOST_S, base_s))
        else:
            self._linger_s = max(self._linger_s / 2, base_s)
        LINGER.set(self._linger_s)
