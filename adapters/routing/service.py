"""The shell of routing: reads the log, folds heads, decides by the pure core, writes with compare-and-set.

Heads are written at once for lifecycle events, else at most once a second per conversation; cursors after
the heads that they cover. On start: the heads as they are, then the log after the cursors; without heads, or
with heads that no cursor of the log as it is vouches for, the log from its beginning.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
import prometheus_client
import structlog
from msgspec import structs

from adapters.routing import assign
from adapters.routing.absence import Absence
from adapters.routing.crew import Crew
from adapters.routing.heads import Projection
from adapters.routing.holding import Holding
from adapters.routing.settings import RoutingSettings
from backbone import failpoints, presence
from backbone.acts import Decision, Release, Reopen, Take, name_of
from backbone.clock import utc_ms
from backbone.conversation import Head
from backbone.decide import decide, read_head
from backbone.directory import is_over
from backbone.errors import ConflictError, TooLargeError, TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.events import Actor, AssignmentReason
from backbone.ids import decision_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Change
from backbone.nats.cursors import Cursor, forget_cursor, get_cursor, put_cursor
from backbone.nats.epochs import stream_state
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.nats.reader import Entry, Reader
from backbone.nats.streams import chat_stream
from backbone.nats.worker import bury
from backbone.process.pace import Load

READER: Final = "routing"
ME: Final = Actor("system", "routing")
READ_MOST: Final = 1000
READ_LINGER_S: Final = 0.005
"""What comes in within it is taken at once: under load far fewer turns, and nobody notices it in an assignment."""
TICK_S: Final = 1.0
RESTORE_S: Final = 120.0
"""Time in which all heads are read at the start; a million of them take about 20 s."""

HEADS_EVERY_S: Final = 0.1
SWEEP_S: Final = 60.0
AT_ONCE: Final = 32

_queue = prometheus_client.Gauge("trunkline_routing_queue", "Conversations waiting.")
_lag = prometheus_client.Gauge("trunkline_routing_lag", "Events stored and not yet read.")
_waited = prometheus_client.Histogram(
    "trunkline_routing_wait_seconds",
    "Time in the queue of conversations that an agent took or was given.",
    buckets=(1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
)
_oldest = prometheus_client.Gauge(
    "trunkline_routing_oldest_waiting_seconds", "How long the conversation waits that waits longest; 0 if none does."
)
_assigned = prometheus_client.Counter("trunkline_routing_assigned", "Assignments written.")

_log = structlog.get_logger("routing")


class RolledBackError(TrunklineError):
    """The log ends below what was read of it: what is known may be of a future that was lost."""

    code = "log.rolled_back"


class Routing:
    """One active instance of a group, from the moment it holds the lease."""

    def __init__(
        self, link: Link, streams: list[str], settings: RoutingSettings, secret: str, lineage: Lineage
    ) -> None:
        """`secret` keys the ids of decisions, so that nobody stores something under them before."""
        self._link = link
        self._secret = secret
        self.log = Log(link)
        self._lineage = lineage
        self._streams = streams
        self._settings = settings
        self._bucket: Bucket[Head] = Bucket(link, "heads", Head)
        self.projection = Projection(settings.group, settings.groups)
        self.crew = Crew(link, self.projection, Absence(settings.gone_s, time.monotonic()), settings.capacity)
        self._position: dict[str, Cursor] = {}
        self._written_at: dict[str, float] = {}
        self._thrown_away: set[str] = set()
        self._reader: Reader | None = None
        self._is_caught_up = False
        self._doing = "The heads are being read."
        self._held = Holding()
        # Decisions are made one pass at a time, each on what the one before has changed.
        self._deciding = asyncio.Lock()

    def problem(self) -> str | None:
        """None once the heads are those of the log's end."""
        return None if self._is_caught_up else self._doing

    def load(self) -> Load:
        """What waits in the log, and how far it was read; while heads are made anew something waits."""
        done = sum((cursor.epoch << 64) + cursor.seq for cursor in self._position.values())
        return Load(self._reader.pending if self._is_caught_up and self._reader else 1, done)

    def lasts(self) -> dict[str, int]:
        """The last sequence that was read of each stream."""
        return {s: cursor.seq for s, cursor in self._position.items()}

    async def run(self) -> None:
        """Works until cancelled.

        Raises, in a group, TrunklineError where the log can't be read or written, RolledBackError where it went back.
        """
        async with asyncio.TaskGroup() as tasks:
            self._reader = reader = Reader(self._link, await self._restore(), lineage=self._lineage)
            try:
                await self.crew.start(self.log)
                caught_up = tasks.create_task(reader.caught_up())
                tasks.create_task(self._until_rolled_back(reader))
                tasks.create_task(self._tick())
                tasks.create_task(self._keep_heads())
                while True:
                    entries = await reader.read(READ_MOST, linger_s=READ_LINGER_S)
                    if failpoints.ARMED:
                        failpoints.reach("routing.fetched")
                    await self._take(entries)
                    if caught_up.done() and not reader.buffered and not self._is_caught_up:
                        await self._come_to_the_end()
                    # Most events are messages: nothing follows from them but heads, which are written beside this.
                    if self._is_caught_up and self.projection.is_stirred:
                        await self._work()
            finally:
                await reader.close()
                await self.crew.stop()
                if not reader.rolled_back.is_set():
                    await self._write_heads(everything=True)

    async def reconnected(self) -> None:
        """The connection is back: nobody is judged absent for a while."""
        self.crew.absence.connected(time.monotonic())

    async def _until_rolled_back(self, reader: Reader) -> None:
        """Raises RolledBackError, once no cursor vouches for heads of the future that was lost."""
        await reader.rolled_back.wait()
        while True:
            try:
                for s in self._streams:
                    await forget_cursor(self._link, self._reader_name(), s)
            except TrunklineError as error:
                _log.warning("routing.waiting", code=error.code, error=error.message)
                await asyncio.sleep(TICK_S)
            else:
                raise RolledBackError(message="The log was put back to an older state.")

    # --- the projection ----------------------------------------------------------------------

    async def _restore(self) -> dict[str, int]:
        """Heads from the bucket; says from which sequence of each stream to read on."""
        heads: dict[str, Head] = {}

        def take(change: Change[Head]) -> None:
            if change.value is not None and self.projection.is_mine(change.value.tenant):
                heads[change.key] = change.value

        feed = self._bucket.watch(take)
        try:
            async with asyncio.timeout(RESTORE_S):
                await feed.caught_up.wait()
        except TimeoutError:
            raise UnavailableError(
                "log.unavailable", f"The bucket of heads couldn't be read within {RESTORE_S:.0f} s."
            ) from None
        finally:
            await feed.close()
        self._doing = "The heads are being rebuilt from the log."
        starts = dict.fromkeys(self._streams, 1)
        cursors = await self._cursors() if heads else {}
        if all(subjects.stream_of(head.conv) in cursors for head in heads.values()):
            for head in heads.values():
                self.projection.restore(head)
            self._position = cursors
            starts |= {s: cursor.seq + 1 for s, cursor in cursors.items()}
        else:
            await self._throw_away(heads)
        _log.info("routing.restored", heads=len(self.projection.heads), starts=starts)
        return starts

    async def _cursors(self) -> dict[str, Cursor]:
        """The cursors that hold in the log as it is."""
        found = {}
        for s in self._streams:
            cursor = await get_cursor(self._link, self._reader_name(), s)
            if cursor and (await stream_state(self._link, chat_stream(s))).epochs.holds(cursor.epoch, cursor.seq):
                found[s] = cursor
        return found

    async def _throw_away(self, heads: dict[str, Head]) -> None:
        """They are made again from the log; until then the bucket holds none that could be taken for true."""
        _log.warning("routing.heads_thrown_away", heads=len(heads))
        for tenant in {head.tenant for head in heads.values()}:
            await self._bucket.purge(subjects.key_filter(tenant))
        self._thrown_away = set(heads)

    async def _say_who_is_no_more(self) -> None:
        """Whoever watches the bucket hears of each head that was thrown away and isn't made again."""
        made = {subjects.key(head.tenant, head.conv) for head in self.projection.heads.values()}
        while self._thrown_away:
            key = self._thrown_away.pop()
            if key not in made:
                await self._bucket.delete(key)

    async def _take(self, entries: list[Entry]) -> None:
        for entry in entries:
            try:
                self.projection.take(entry, entry.epoch)
            except Exception as error:  # noqa: BLE001 - one event's fault must not stop all tenants
                if not isinstance(error, msgspec.DecodeError | ValueError):
                    _log.exception("routing.event_refused", stream=entry.s, seq=entry.seq)
                await bury(self._link, "routing", entry, 1, error)
            self._position[entry.s] = Cursor(entry.epoch, entry.seq)
        strangers, self.projection.strangers = self.projection.strangers, {}
        for conv, tenant in strangers.items():
            head = await read_head(self.log, tenant, conv, None)
            if head is not None and head.opened_at and not self._is_over(head):
                # Read from the log itself, where events have no epoch.
                known = self._reader.epochs.get(subjects.stream_of(conv)) if self._reader else None
                self.projection.adopt(structs.replace(head, epoch=known.number(head.seq) if known else head.epoch))

    async def _keep_heads(self) -> None:
        """Writes the heads that are due, ten times a second and not with each event."""
        while True:
            await asyncio.sleep(HEADS_EVERY_S)
            if self._is_caught_up and self.projection.changed:
                await self._write_heads()

    async def _write_heads(self, *, everything: bool = False) -> None:
        """Writes the heads that changed and are due; cursors follow when all are written."""
        projection, now = self.projection, time.monotonic()
        due = [
            conv
            for conv in projection.changed
            if everything
            or conv in projection.urgent
            or now - self._written_at.get(conv, 0) >= self._settings.head_every_s
        ]
        pending: dict[str, asyncio.Future[Any]] = {}
        problem: BaseException | None = None
        for conv in due:
            head = projection.heads.get(conv)
            if head is None:
                continue
            key = subjects.key(head.tenant, conv)
            is_over = head.status == "closed"
            try:
                pending[conv] = (
                    asyncio.ensure_future(self._bucket.delete(key)) if is_over else self._bucket.put_soon(key, head)
                )
            except TooLargeError as error:
                self._too_large(head, error)
                continue
            except TrunklineError as error:
                problem = error
                break
            self._written_at[conv] = now
            projection.changed.discard(conv)
            projection.urgent.discard(conv)
        results = await asyncio.gather(*pending.values(), return_exceptions=True)
        for conv, result in zip(pending, results, strict=True):
            if isinstance(result, BaseException):
                # No cursor may pass a head that the bucket doesn't hold.
                projection.changed.add(conv)
                projection.urgent.add(conv)
                problem = result
            elif (head := projection.heads.get(conv)) is not None and head.status == "closed":
                projection.drop(conv)
                self._written_at.pop(conv, None)
        if problem is not None:
            raise problem

    def _too_large(self, head: Head, error: TrunklineError) -> None:
        """Its head stays as the bucket has it: that costs this conversation its row, and nobody else anything."""
        _log.error("routing.head_too_large", tenant=head.tenant, conversation=head.conv, error=error.message)
        self.projection.changed.discard(head.conv)
        self.projection.urgent.discard(head.conv)

    async def _write_cursors(self) -> None:
        position = dict(self._position)
        await self._write_heads(everything=True)
        await self._say_who_is_no_more()
        if failpoints.ARMED:
            failpoints.reach("routing.before_cursor")
        for s, cursor in position.items():
            if self._reader and self._reader.rolled_back.is_set():
                return
            await put_cursor(self._link, self._reader_name(), s, cursor)

    async def _come_to_the_end(self) -> None:
        """Ready only once the bucket holds what was folded: others begin from it."""
        # Waits that ended before: who held the lease has measured them.
        self.projection.left_queue.clear()
        await self._write_heads(everything=True)
        self._is_caught_up = True

    # --- decisions ---------------------------------------------------------------------------

    async def _work(self) -> None:
        async with self._deciding:
            self.projection.is_stirred = False
            await self._reopen()
            await self._assign()
        await self._write_heads()

    async def _reopen(self) -> None:
        reopening, self.projection.reopening = dict(self.projection.reopening), {}
        for conv, message in reopening.items():
            head = self.projection.heads.get(conv)
            if head is None or head.status != "resolved":
                continue
            if self._held.holds(conv, time.monotonic()):
                self.projection.reopening.setdefault(conv, message)
                continue
            agent = head.agent if self.crew.eligible(head.tenant, head.agent) else ""
            is_done = await self._do(
                head,
                Decision(
                    id=decision_id(self._secret, message, "reopened"),
                    act=Reopen(reason="visitor"),
                    by=ME,
                    at=utc_ms(),
                    agent=agent,
                ),
            )
            if not is_done:
                self.projection.reopening.setdefault(conv, message)

    async def _assign(self) -> None:
        for tenant, queued in self.projection.queued.items():
            if not queued:
                continue
            heads, now = self.projection.heads, time.monotonic()
            waiting = [heads[conv] for conv in queued if not self._held.holds(conv, now)]
            decided = assign.decide(waiting, self.crew.of(tenant))
            for start in range(0, len(decided), AT_ONCE):
                await asyncio.gather(*(self._give(one) for one in decided[start : start + AT_ONCE]))
        self._measure()
        _lag.set(self._reader.pending if self._reader else 0)

    def _measure(self) -> None:
        projection, now_ms = self.projection, utc_ms()
        waiting = [projection.heads[conv].queue for queued in projection.queued.values() for conv in queued]
        _queue.set(len(waiting))
        oldest = min((place.at for place in waiting if place is not None), default=now_ms)
        _oldest.set(max(0, now_ms - oldest) / 1000)
        for since in projection.left_queue:
            _waited.observe(max(0, now_ms - since) / 1000)
        projection.left_queue.clear()

    async def _give(self, one: assign.Assignment) -> None:
        head = self.projection.heads.get(one.conv)
        if head is None:
            return
        at = utc_ms()
        self.crew.assigned(head.tenant, one.agent, at)
        is_done = await self._do(
            head,
            Decision(
                id=decision_id(self._secret, head.conv, f"assigned:{head.epoch}:{head.seq}"),
                act=Take(),
                by=ME,
                at=at,
                agent=one.agent,
                reason=AssignmentReason(rule=assign.RULE, candidates=one.candidates),
            ),
        )
        if is_done:
            _assigned.inc()

    async def _do(self, head: Head, decision: Decision) -> bool:
        """Writes a decision; somebody else's decision in between is theirs, not an error.

        One that changes nothing, or that the log refuses for this conversation alone, holds the conversation back for a
        growing while: it must not keep others waiting. Raises where the log is away.
        """
        act = name_of(decision.act)
        try:
            decided = await decide(self.log, head, decision)
            if failpoints.ARMED:
                failpoints.reach("routing.decided")
        except ConflictError as conflict:
            _log.info("decision.overtaken", conv=head.conv, act=act, code=conflict.code)
            self._held.failed(head.conv, time.monotonic())
            return False
        except (UnavailableError, UnknownOutcomeError):
            raise
        except TrunklineError as error:
            _log.warning("decision.refused", conv=head.conv, act=act, code=error.code, error=error.message)
            self._held.failed(head.conv, time.monotonic())
            return False
        if decided.seq <= head.seq:
            _log.warning("decision.changed_nothing", conv=head.conv, act=act, event_id=decision.id)
            self._held.failed(head.conv, time.monotonic())
            return False
        self._held.done(head.conv)
        self.projection.adopt(decided.head)
        _log.info(
            "decision.written",
            tenant=head.tenant,
            conversation=head.conv,
            act=act,
            agent=decision.agent,
            event_id=decision.id,
        )
        return True

    # --- time --------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """What time alone brings: agents gone, heads due, cursors, conversations closed for good."""
        cursors_at = swept_at = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            if not self._is_caught_up:
                if self._reader and self._reader.is_attached and not self._reader.pending:
                    await self._come_to_the_end()
                continue
            try:
                await self.crew.forget_overdue(now)
                async with self._deciding:
                    await self._give_back(now)
                await self._work()
                if now - cursors_at >= self._settings.cursor_every_s:
                    cursors_at = now
                    await self._write_cursors()
                if now - swept_at >= SWEEP_S:
                    swept_at = now
                    await self._forget_closed()
            except TrunklineError as error:
                # The log is away: what was to be done is done when it is back, from the same state.
                _log.warning("routing.waiting", code=error.code, error=error.message)

    async def _give_back(self, now: float) -> None:
        for (tenant, agent), record in list(self.crew.agents.items()):
            if not self.projection.is_mine(tenant) or not self.crew.absence.gone(tenant, agent, now):
                continue
            state = self.projection.states.get((tenant, agent))
            if state is not None and state.state != "offline":
                event = presence.state_event(
                    tenant,
                    agent,
                    "offline",
                    by=ME,
                    at=utc_ms(),
                    reason=presence.GONE,
                    capacity=state.capacity,
                    event_id=decision_id(self._secret, state.id, "gone"),
                )
                await self.log.publish(subjects.desk(tenant, agent), event)
                self.projection.states[tenant, agent] = event
                _log.info("agent.gone", tenant=tenant, agent=record.id)
            for head in self.projection.owned_by(tenant, agent):
                await self._do(
                    head,
                    Decision(
                        id=decision_id(self._secret, head.conv, f"gone:{head.epoch}:{head.seq}"),
                        act=Release(reason="agent_gone"),
                        by=ME,
                        at=utc_ms(),
                        agent=agent,
                        since=head.waiting_since or head.opened_at,
                    ),
                )

    async def _forget_closed(self) -> None:
        for head in list(self.projection.heads.values()):
            if self._is_over(head):
                await self._bucket.delete(subjects.key(head.tenant, head.conv))
                self.projection.drop(head.conv)
        self._held.forget(time.monotonic())

    def _is_over(self, head: Head) -> bool:
        return is_over(head, self.crew.inbox(head.tenant, head.inbox), utc_ms())

    def _reader_name(self) -> str:
        return f"{READER}-{self._settings.group}"
