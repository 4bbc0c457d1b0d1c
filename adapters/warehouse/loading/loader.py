"""The warehouse as an adapter that follows the log: one loader a group, by lease; numbers, loads, goes on.

A `Follower` reads, and copies the cursors. The place itself is kept in the tables, by the journal of loads, since it
must be as old as they are. Each step that touches the engine runs on its writer, one after the other, so that memory
and cursors belong to one thread at a time.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import structlog
from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse import migrations
from adapters.warehouse.clickhouse.engine import Engine, NoRoomError, rows
from adapters.warehouse.clickhouse.migrations import SchemaError
from adapters.warehouse.clickhouse.reach import Pauses, Saying
from adapters.warehouse.clickhouse.server import AwayError
from adapters.warehouse.loading import journal, load, plan, rollback
from adapters.warehouse.loading.decode import Stored, decode
from adapters.warehouse.loading.journal import Promise
from adapters.warehouse.loading.memory import Memory
from adapters.warehouse.loading.plan import Place, Range
from adapters.warehouse.loading.room import Room
from adapters.warehouse.metrics import EVENTS, FAULTS, LAG, LINGER, LOAD_SECONDS, UNREAD
from adapters.warehouse.settings import Warehouse
from adapters.warehouse.statements import internal
from backbone import failpoints
from backbone.clock import utc_ms
from backbone.errors import TrunklineError
from backbone.follow import Adapter, Cursor, Entry, Follower, Refusal, RolledBackError, Turns
from backbone.nats import epochs
from backbone.nats.epochs import StreamState
from backbone.nats.leases import Lease
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.nats.reader import read_range
from backbone.nats.streams import chat_stream, names_of_log
from backbone.nats.worker import PoisonError, bury_surely
from backbone.process.pace import Load
from backbone.space import Marks
from backbone.until import finish, until

READER: Final = "warehouse"
"""The name of our cursors in bucket `cursors`."""
COPY_EVERY_S: Final = 1.0
IDLE_S: Final = 1.0
PARTS_EVERY_S: Final = 10.0
MANY_PARTS: Final = 300
LINGER_MOST_S: Final = 1.0
RETRY_S: Final = 1.0

_log = structlog.get_logger("warehouse.loader")


class Loader(Adapter):
    """Loads until told to leave. Made once; `run` takes the lease first."""

    # Bad events are rows, and letters in DEAD: a load that fails is the engine's fault.
    blameless = (Exception,)

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
        self._states: dict[str, StreamState] = {}
        self._number = 0
        self._parts_at = 0.0
        self._oldest_ms = 0
        self._follower: Follower | None = None
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
        if self._follower:
            self._follower.leave()
        await self._left.wait()
        await self._lease.release()

    def lag_s(self) -> float:
        """Seconds since the oldest event was stored that isn't in the tables yet; 0 if none is known."""
        oldest = self._oldest_ms or (self.newest_ms if self.unread() else 0)
        return max(0.0, time.time() - oldest / 1000) if oldest else 0.0

    def unread(self) -> int:
        """Events known to be in the log that haven't been taken."""
        return self._follower.unread if self._follower else 0

    def load(self) -> Load | None:
        """What waits in the log, and how far it is in the tables; None while another process loads."""
        if not self._lease.is_held:
            return None
        waiting = max(self.unread(), int(self._oldest_ms > 0)) if self._follower else 1
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
            except RolledBackError:
                # What the tables have of the lost future is found by the journal's cursors, and set aside.
                self._memory = Memory(self._settings.hot_conversations)

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
        settings = self._settings
        turns = Turns(
            events=settings.load_events,
            bytes=settings.load_bytes,
            linger_s=settings.load_ms / 1000,
            commit_every_s=COPY_EVERY_S,
        )
        self._follower = follower = Follower(
            self._link,
            self,
            name=READER,
            reader=READER,
            streams=sorted(self._states),
            lineage=self._lineage,
            is_witness=True,
            turns=turns,
        )
        if self._leaving.is_set():
            follower.leave()
        try:
            await follower.run()
        except BaseExceptionGroup as ended:
            # One thing ended it; the rest is what that broke off.
            raise ended.exceptions[0] from ended

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

    async def restore(self, cursors: Mapping[str, Cursor]) -> Mapping[str, int]:
        """Where the tables end; the bucket's cursors are copies, which may be older."""
        del cursors
        return {s: plan.resume_at(self._cursors.get(s), state) for s, state in self._states.items()}

    async def _promised(self, r: Range) -> list[Entry]:
        """The entries of a promised range that the log still has under the range's epoch."""
        state = self._states.get(r.s)
        if state is None or not state.epochs.holds(r.epoch, r.first):
            _log.error("warehouse.promised_range_is_lost", stream=r.s, epoch=r.epoch, first=r.first, last=r.last)
            return []
        found = await read_range(self._link, r.s, r.first, r.last)
        return [entry for entry in found if state.epochs.holds(r.epoch, entry.seq)]

    # --- each turn -------------------------------------------------------------------------

    async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
        """Loads a batch, a month at a time; what can't be read is a row as well, so nothing is refused."""
        await self._room.wait(self._leaving)
        if failpoints.ARMED:
            failpoints.reach("warehouse.fetched")
        self._oldest_ms = min(entry.at_ms for entry in entries)
        for s in sorted({entry.s for entry in entries if entry.epoch > self._states[entry.s].epochs.now}):
            self._states[s] = await epochs.stream_state(self._link, chat_stream(s))
        for rows_of_month in plan.cut(await self._decode(entries)):
            await self._load(rows_of_month, plan.ranges(rows_of_month), self._number + 1)
        self._oldest_ms = 0
        return ()

    async def commit(self, cursors: Mapping[str, Cursor]) -> None:
        """The tables are ahead of what is copied now: the janitor is told what the log may forget."""
        del cursors
        if failpoints.ARMED:
            failpoints.reach("warehouse.before_cursor")

    async def beside(self) -> None:
        """Rows that are due without any new event, and the number of parts: once a second."""
        while await until(self._leaving, asyncio.sleep(IDLE_S)):
            # Carried through: what runs on the writer's thread isn't cut short by a cancelled wait.
            await finish(asyncio.create_task(self._write_due()))
            if time.monotonic() - self._parts_at >= PARTS_EVERY_S:
                await finish(asyncio.create_task(self._mind_parts()))

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
        """Before the load: once it is done the tables' cursor is past the entry."""
        await bury_surely(self._link, READER, entry, 1, PoisonError(fault))
        FAULTS.inc()
        _log.warning("warehouse.event_unreadable", stream=entry.s, seq=entry.seq, fault=fault)

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

        def work(client: Client) -> None:
            if self._memory.is_due(now_ms):
                load.write_due(
                    client, memory=self._memory, holds=self._holds, now_ms=now_ms, keep_days=self._settings.keep_days
                )

        await self._engine.write(work)

    async def _mind_parts(self) -> None:
        """Above 300 parts in a partition the interval doubles, up to 1 s; below, it comes back."""
        self._parts_at = time.monotonic()
        found = await self._engine.write(lambda client: rows(client, internal("parts"), {}))
        base_s = self._settings.load_ms / 1000
        linger_s = self._follower.linger_s if self._follower else base_s
        if int(found[0][0] or 0) > MANY_PARTS:
            linger_s = min(linger_s * 2, max(LINGER_MOST_S, base_s))
        else:
            linger_s = max(linger_s / 2, base_s)
        if self._follower:
            self._follower.linger_s = linger_s
        LINGER.set(linger_s)
