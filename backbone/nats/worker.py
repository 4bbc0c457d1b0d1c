"""A durable pull loop: events of one channel (or all) handed to a handler, in order per conversation,
parallel across them, retried with backoff, and given to DEAD with the reason when they can't be processed.

An event is acknowledged last, after its effect. While its conversation is being retried its later events
wait behind it; other conversations go on.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import traceback
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
import prometheus_client
import structlog
from msgspec import Struct

from backbone.errors import TrunklineError
from backbone.nats import subjects
from backbone.nats.link import SECOND_NS, Link
from backbone.nats.reader import Entry
from backbone.nats.streams import DEAD, chat_stream
from backbone.nats.wire.header import REFLECTED, header_block, is_reflected, status_of

ACK: Final = b"+ACK"
NOT_YET: Final = b"-NAK"
IN_PROGRESS: Final = b"+WPI"
PULL_EXPIRES_S: Final = 20
RESTART_S: Final = 1.0
DONE_KEPT: Final = 1000
"""Of what a conversation's lane has done, as many numbers as may be on their way again."""

_log = structlog.get_logger("backbone.nats.worker")
DEAD_LETTERS = prometheus_client.Counter(
    "trunkline_dead_letters", "Events that were given up and stored in DEAD, by who gave them up.", ["adapter"]
)


class Policy(Struct, frozen=True, kw_only=True):
    """How hard to try. Delays double from `first_delay_s` to `most_delay_s`, with jitter."""

    attempts: int = 6
    first_delay_s: float = 0.2
    most_delay_s: float = 30.0
    concurrency: int = 64
    ack_wait_s: int = 30
    most_waiting: int = 1000


class PoisonError(Exception):
    """Raised by a handler for an event that no further attempt will mend; it goes to DEAD at once."""


class _Task(NamedTuple):
    entry: Entry
    reply: str


Handler = Callable[[Entry], Awaitable[None]]
Pass = Callable[[str, bytes], bool]
"""Whether an event (subject, raw) asks for nothing now, so that it is acknowledged as it comes."""


class Worker:
    """Runs `handler` for each event of stream `s` that `filter_subject` matches, as durable `name`."""

    def __init__(
        self,
        link: Link,
        *,
        adapter: str,
        durable: str,
        s: str,
        filter_subject: str,
        handler: Handler,
        policy: Policy | None = None,
        passes_over: Pass | None = None,
    ) -> None:
        self._link = link
        self._adapter = adapter
        self._durable = durable
        self._s = s
        self._stream = chat_stream(s)
        self._filter = filter_subject
        self._handler = handler
        self._policy = policy or Policy()
        self._passes_over = passes_over
        self._lanes: dict[str, deque[_Task]] = {}
        self._slots = asyncio.Semaphore(self._policy.concurrency)
        self._running: set[asyncio.Task[None]] = set()
        self._owed = 0
        self._waiting = 0
        self._wake = asyncio.Event()
        self._is_broken = False
        self._is_leaving = False
        self.done = 0
        self.pending = 0
        """Events that the server still has for us, as it last said."""

        self.dead = 0

    async def leave(self, within_s: float) -> None:
        """Takes nothing more and returns once what has begun is done, or after `within_s`; the rest is given back."""
        self._is_leaving = True
        self._wake.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=within_s)

    @property
    def waiting(self) -> int:
        """Events taken in and not yet acknowledged."""
        return self._waiting

    async def run(self) -> None:
        """Works until cancelled; a lost consumer or connection is begun anew."""
        await self._link.is_open.wait()
        forget = self._link.on_disconnect(self._break)
        try:
            while True:
                try:
                    await self._consume()
                except TrunklineError as error:
                    _log.warning("worker.retry", durable=self._durable, error=str(error))
                await asyncio.sleep(RESTART_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        finally:
            forget()
            for task in list(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _consume(self) -> None:
        policy = self._policy
        config: dict[str, Any] = {
            "durable_name": self._durable,
            "ack_policy": "explicit",
            "ack_wait": policy.ack_wait_s * SECOND_NS,
            "max_ack_pending": policy.most_waiting,
            "filter_subject": self._filter,
            "deliver_policy": "all",
        }
        await self._link.api(
            f"CONSUMER.CREATE.{self._stream}.{self._durable}.{self._filter}",
            {"stream_name": self._stream, "config": config},
        )
        self._is_broken = False
        self._owed = 0
        inbox = f"_TLW.{self._link.own}.{secrets.token_hex(8)}"
        sid = self._link.subscribe_raw(inbox, self._arrived)
        heartbeat = asyncio.create_task(self._keep_alive())
        try:
            while not self._is_broken:
                self._wake.clear()
                room = policy.most_waiting - self._waiting
                if not self._owed and room > 0 and not self._is_leaving:
                    self._owed = min(room, 256)
                    request = {"batch": self._owed, "expires": PULL_EXPIRES_S * SECOND_NS}
                    self._link.publish_raw(
                        f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}",
                        msgspec.json.encode(request),
                        reply=inbox,
                    )
                try:
                    async with asyncio.timeout(PULL_EXPIRES_S * 1.5):
                        await self._wake.wait()
                except TimeoutError:
                    self._owed = 0
        finally:
            heartbeat.cancel()
            self._link.unsubscribe_raw(sid)

    def _arrived(self, subject: bytes, reply: bytes, header: bytes | None, data: bytes) -> None:
        if status_of(header) is not None:
            self._owed = 0
            if b"Consumer Deleted" in (header or b"") or status_of(header) == b"503":
                self._break()
            self._wake.set()
            return
        self._owed -= 1
        parts = reply.rsplit(b".", 5)
        self.pending = int(parts[5])
        text = subject.decode()
        data = REFLECTED if is_reflected(header) else data
        entry = Entry(self._s, int(parts[2]), int(parts[4]) // 1_000_000, text, data)
        lane = self._lanes.get(text)
        if lane is None and self._passes_over is not None and self._passes_over(text, data):
            self.done += 1
            self._link.publish_raw(reply.decode(), ACK)
            if self._owed <= 0:
                self._wake.set()
            return
        self._waiting += 1
        if lane is None:
            self._lanes[text] = lane = deque()
            task = asyncio.create_task(self._work(text, lane))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        lane.append(_Task(entry, reply.decode()))
        if self._owed <= 0:
            self._wake.set()

    async def _work(self, subject: str, lane: deque[_Task]) -> None:
        """One conversation's events, one after the other, until none is left."""
        done: OrderedDict[int, None] = OrderedDict()
        while lane:
            task = lane[0]
            if self._is_leaving:
                self._give_back(lane)
                break
            # What this lane has done already is only acknowledged again. By its own number: what somebody who died had
            # taken comes behind what is newer.
            if task.entry.seq not in done:
                async with self._slots:
                    await self._attempt(task.entry)
                done[task.entry.seq] = None
                if len(done) > DONE_KEPT:
                    done.popitem(last=False)
            lane.popleft()
            self._waiting -= 1
            self.done += 1
            if self._link.is_usable:
                self._link.publish_raw(task.reply, ACK)
            self._wake.set()
        del self._lanes[subject]

    def _give_back(self, lane: deque[_Task]) -> None:
        """Whoever works next gets these at once, not when their time has run out."""
        for task in lane:
            self._waiting -= 1
            if self._link.is_usable:
                self._link.publish_raw(task.reply, NOT_YET)
        lane.clear()

    async def _attempt(self, entry: Entry) -> None:
        policy = self._policy
        delay_s = policy.first_delay_s
        for attempt in range(1, policy.attempts + 1):
            try:
                await self._handler(entry)
            except PoisonError as error:
                await self._bury(entry, attempt, error)
                return
            except Exception as error:  # noqa: BLE001 - ends in a retry or in DEAD
                # Whatever a handler raises is either mended by another attempt or ends in DEAD, visibly.
                _log.warning(
                    "worker.attempt_failed", subject=entry.subject, seq=entry.seq, attempt=attempt, error=repr(error)
                )
                if attempt == policy.attempts:
                    await self._bury(entry, attempt, error)
                    return
            else:
                return
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            delay_s = min(delay_s * 2, policy.most_delay_s)

    async def _bury(self, entry: Entry, attempts: int, error: Exception) -> None:
        await bury_surely(self._link, self._adapter, entry, attempts, error)
        self.dead += 1

    async def _keep_alive(self) -> None:
        """Tells the server that what waits in lanes is being worked on, so that it isn't sent again."""
        while True:
            await asyncio.sleep(self._policy.ack_wait_s / 3)
            for lane in list(self._lanes.values()):
                for task in list(lane):
                    if self._link.is_usable:
                        self._link.publish_raw(task.reply, IN_PROGRESS)

    def _break(self) -> None:
        self._is_broken = True
        self._wake.set()


async def bury_surely(link: Link, adapter: str, entry: Entry, attempts: int, error: BaseException) -> None:
    """`bury`, again and again with jitter until it is stored: going on without it would lose the event in silence."""
    while True:
        try:
            await bury(link, adapter, entry, attempts, error)
        except TrunklineError as problem:
            _log.warning("event.bury_failed", adapter=adapter, stream=entry.s, seq=entry.seq, error=str(problem))
            await asyncio.sleep(RESTART_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        else:
            return


async def bury(link: Link, adapter: str, entry: Entry, attempts: int, error: BaseException) -> None:
    """Stores an event that can't be processed in `DEAD`: its bytes, where it came from, and why.

    The same failure of the same event is one entry, however often it is reported within a minute.
    """
    try:
        tenant = subjects.parse_chat(entry.subject).tenant
    except ValueError:
        tenant = "_"
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:1000]
    trace = " | ".join("".join(traceback.format_exception(error)).split("\n"))[-4000:]
    answer = await link.request_raw(
        subjects.dead(tenant, adapter),
        entry.raw,
        header_block(
            ("Nats-Msg-Id", f"{adapter}:{entry.s}:{entry.seq}:{attempts}"),
            ("Trunkline-Subject", entry.subject),
            ("Trunkline-Stream", entry.s),
            ("Trunkline-Sequence", entry.seq),
            ("Trunkline-Attempts", attempts),
            ("Trunkline-Reason", reason.encode("ascii", "backslashreplace").decode()),
            ("Trunkline-Traceback", trace.encode("ascii", "backslashreplace").decode()),
        ),
    )
    if b'"error"' in answer.data:
        raise TrunklineError("dead.refused", f"{DEAD} refused an entry: {answer.data.decode()}")
    DEAD_LETTERS.labels(adapter).inc()
    _log.error("event.dead", adapter=adapter, tenant=tenant, subject=entry.subject, seq=entry.seq, reason=reason)
