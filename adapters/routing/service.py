"""Routing as an adapter that follows the log: folds heads, decides by the pure core, writes with compare-and-set.

Heads are written at once for lifecycle events, else at most once a second per conversation; cursors after
the heads that they cover. On start: the heads as they are, then the log after the cursors; without heads, or
with heads that no cursor of the log as it is vouches for, the log from its beginning.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import prometheus_client
import structlog
from msgspec import structs

from adapters.routing import assign
from adapters.routing.absence import Absence
from adapters.routing.book import HeadBook
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
from backbone.errors import ConflictError, TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.events import Actor, AssignmentReason
from backbone.follow import Adapter, Cursor, Entry, Follower, Refusal, Suspects, Turns, each
from backbone.ids import decision_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link

NAME: Final = "routing"
ME: Final = Actor("system", NAME)
TURNS: Final = Turns(commits_behind=False)
"""No cursor is written before the heads of the log's end are."""

HEADS_EVERY_S: Final = 0.1
SWEEP_S: Final = 60.0
AT_ONCE: Final = 32
REOPENING_MOST: Final = 1000
"""Conversations in the state of a cursor: 70 KB of the 128 that one may have."""

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

_log = structlog.get_logger(NAME)


def follower(
    link: Link, settings: RoutingSettings, secret: str, *, streams: list[str], lineage: Lineage, suspects: Suspects
) -> tuple[Follower, Routing]:
    """Routing with what follows the log for it, from the moment it holds the lease of its group."""
    routing = Routing(link, settings, secret)
    follower = Follower(
        link,
        routing,
        name=NAME,
        reader=f"{NAME}-{settings.group}",
        streams=streams,
        lineage=lineage,
        is_witness=True,
        turns=TURNS,
        suspects=suspects,
    )
    routing.ask(lambda: follower.unread, follower.epoch_of)
    return follower, routing


class Routing(Adapter):
    """What one active instance of a group knows and decides."""

    def __init__(self, link: Link, settings: RoutingSettings, secret: str) -> None:
        """`secret` keys the ids of decisions, so that nobody stores something under them before."""
        self._secret = secret
        self.log = Log(link)
        self._settings = settings
        self.projection = Projection(settings.group, settings.groups)
        self._book = HeadBook(link, self.projection, settings.head_every_s)
        self.crew = Crew(link, self.projection, Absence(settings.gone_s, time.monotonic()), settings.capacity)
        self._held = Holding()
        self._is_caught_up = False
        self._swept_at = time.monotonic()
        self._unread: Callable[[], int] = lambda: 0
        self._epoch_of: Callable[[str, int], int | None] = lambda _s, _seq: None
        # Decisions are made one pass at a time, each on what the one before has changed.
        self._deciding = asyncio.Lock()

    def ask(self, unread: Callable[[], int], epoch_of: Callable[[str, int], int | None]) -> None:
        """Whom to ask for the events that wait, and for the epoch of a stream's sequence."""
        self._unread, self._epoch_of = unread, epoch_of

    # --- following the log ---------------------------------------------------------------------

    async def restore(self, cursors: Mapping[str, Cursor]) -> Mapping[str, int]:
        """Heads from the bucket where cursors vouch for all of them; else everything from the log's beginning."""
        heads = await self._book.read()
        starts: dict[str, int] = {}
        if heads and all(subjects.stream_of(head.conv) in cursors for head in heads.values()):
            for head in heads.values():
                self.projection.restore(head)
            for cursor in cursors.values():
                self.projection.restore_reopening(cursor.state)
            starts = {s: cursor.seq + 1 for s, cursor in cursors.items()}
        else:
            await self._book.throw_away(heads)
            starts = dict.fromkeys(cursors, 1)
        _log.info("routing.restored", heads=len(self.projection.heads), starts=starts)
        await self.crew.start(self.log)
        return starts

    async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
        """Folds events into heads."""
        if failpoints.ARMED:
            failpoints.reach("routing.fetched")
        refused = each(entries, lambda entry: self.projection.take(entry, entry.epoch))
        strangers, self.projection.strangers = self.projection.strangers, {}
        for conv, tenant in strangers.items():
            head = await read_head(self.log, tenant, conv, None)
            if head is not None and head.opened_at and not self._is_over(head):
                # Read from the log itself, where events have no epoch.
                epoch = self._epoch_of(subjects.stream_of(conv), head.seq)
                self.projection.adopt(structs.replace(head, epoch=head.epoch if epoch is None else epoch))
        return refused

    async def work(self) -> None:
        """Decides, if something came that a decision may follow from. Most events are messages: nothing does."""
        if self.projection.is_stirred:
            await self._work()

    async def caught_up(self) -> None:
        """Ready only once the bucket holds what was folded: others begin from it."""
        # Waits that ended before: who held the lease has measured them.
        self.projection.left_queue.clear()
        await self._book.write(everything=True)
        self._is_caught_up = True

    async def commit(self, cursors: Mapping[str, Cursor]) -> None:
        """No cursor may pass a head that the bucket doesn't hold."""
        del cursors
        await self._book.write(everything=True)
        await self._book.say_who_is_no_more()
        if failpoints.ARMED:
            failpoints.reach("routing.before_cursor")

    def state(self, stream: str) -> Any:
        """Conversations that a message wants reopened and nobody has yet, by the message: it isn't read again."""
        waiting = [one for one in self.projection.reopening.items() if subjects.stream_of(one[0]) == stream]
        return dict(waiting[:REOPENING_MOST]) or None

    async def rolled_back(self, stream: str) -> bool:
        """Heads are written before cursors: those in the bucket may be of the lost future."""
        del stream
        return True

    async def reconnected(self) -> None:
        """The connection is back: nobody is judged absent for a while."""
        self.crew.absence.connected(time.monotonic())

    async def ended(self, *, is_valid: bool) -> None:
        """Whoever follows us begins from the heads as they are now, unless they are of a lost future."""
        await self.crew.stop()
        if is_valid:
            await self._book.write(everything=True)

    async def beside(self) -> None:
        """Writes the heads that are due, ten times a second and not with each event."""
        while True:
            await asyncio.sleep(HEADS_EVERY_S)
            if self._is_caught_up and self.projection.changed:
                await self._book.write()

    # --- decisions ---------------------------------------------------------------------------

    async def _work(self) -> None:
        async with self._deciding:
            self.projection.is_stirred = False
            await self._reopen()
            await self._assign()
        await self._book.write()

    async def _reopen(self) -> None:
        reopening = self.projection.reopening
        for conv, message in list(reopening.items()):
            head = self.projection.heads.get(conv)
            if head is None or head.status != "resolved":
                reopening.pop(conv, None)
                continue
            if self._held.holds(conv, time.monotonic()):
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
            # It stays until then: a cursor that passed the message meanwhile carries it along.
            if is_done and reopening.get(conv) == message:
                del reopening[conv]

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
        _lag.set(self._unread())

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

    async def tick(self, now: float) -> None:
        """What time alone brings: agents gone, heads due, conversations closed for good."""
        await self.crew.forget_overdue(now)
        async with self._deciding:
            await self._give_back(now)
        await self._work()
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            await self._forget_closed()

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
                await self._book.forget(head)
        self._held.forget(time.monotonic())

    def _is_over(self, head: Head) -> bool:
        return is_over(head, self.crew.inbox(head.tenant, head.inbox), utc_ms())
