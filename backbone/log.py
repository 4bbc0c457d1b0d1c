"""The log: publish, publish with an expected sequence, atomic batch, replay by direct get, live.

An event is stored when the stream has acknowledged it, never before; every publish carries `Nats-Msg-Id`, so that a
retry stores nothing twice.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from backbone import events as ev
from backbone import failpoints
from backbone.acks import (
    REPEATED_ID_IN_BATCH,
    Ack,
    LogEvent,
    Stored,
    WrongSequenceError,
    checked,
    ends,
    is_single,
    log_event,
    outcome_of,
    read,
    refusal,
    stream_of,
)
from backbone.errors import InvalidInputError, TooManyError, TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.ids import new_event_id
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.streams import MAX_EVENT_BYTES, chat_stream
from backbone.nats.wire.answers import WRONG_LAST_SEQUENCE, ApiError, Reply
from backbone.nats.wire.header import REFLECTED, header_block, header_value, is_reflected, status_of
from backbone.nats.wire.parser import RawCallback

NOT_FOUND: Final = 404
MAX_UNACKNOWLEDGED: Final = 4096
REPLAY_BATCH: Final = 256
REPLAY_BYTES: Final = 512 * 1024
PUBLISH_TIMEOUT_S: Final = 4.0
"""A server whose store has met a full disk says nothing: who waits is answered within 5 s all the same."""

STUCK_FOR_S: Final = 30.0

LOOKED_AT: Final = UnavailableError(
    "log.unavailable", "The log is being looked at. Try again soon.", retry_after_ms=200
)
"""The log that came back may be an older copy."""


class Log:
    """The log behind one connection. Bounds what is unacknowledged; counts what it publishes."""

    def __init__(self, link: Link, max_unacknowledged: int = MAX_UNACKNOWLEDGED) -> None:
        self.link = link
        self.max_unacknowledged = max_unacknowledged
        self.unacknowledged = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._held: dict[str, TrunklineError] = {}
        self._unanswered: dict[str, tuple[float, float]] = {}
        """Streams that left what was published unanswered, and nothing stored since: when first, and when last."""

        link.on_disconnect(self._unanswered.clear)
        self.seen: dict[str, int] = {}
        """The highest sequence seen of each stream (two digits), by acknowledgements and `note`."""

    # --- a log that may have gone back, or has no room ---------------------------------------

    def hold(self, why: str, refusal: TrunklineError = LOOKED_AT) -> None:
        """Writes nothing until `release(why)`, and refuses with `refusal` meanwhile."""
        self._held[why] = refusal

    def release(self, why: str) -> None:
        """`why` is found out; writes go on once nothing else holds them."""
        self._held.pop(why, None)

    def note(self, stream: str, seq: int) -> None:
        """`seq` was seen in a stream."""
        if seq > self.seen.get(stream, 0):
            self.seen[stream] = seq

    def forget(self, stream: str, last: int) -> None:
        """The stream ends at `last`, and what was seen beyond is gone."""
        self.seen[stream] = last

    def stuck_s(self) -> float:
        """For how long a stream has left everything unanswered that was published, over a connection that stands.

        0 where none does, or where nobody has tried for half a minute.
        """
        now = time.monotonic()
        return max((now - first for first, last in self._unanswered.values() if now - last < STUCK_FOR_S), default=0.0)

    def stuck_problem(self) -> str | None:
        """None unless a stream is stuck; else a sentence, as readiness wants it."""
        stuck_s = self.stuck_s()
        if not stuck_s:
            return None
        return f"The log leaves what is published unanswered for {stuck_s:.0f} s: is its disk full?"

    # --- write -----------------------------------------------------------------------------

    def publish_soon(self, subject: str, event: ev.Event, done: Callable[[Stored | TrunklineError], None]) -> None:
        """Stores one event; `done` is called once, with where it is or why it isn't.

        Order of calls on one subject is order in the log. Raises UnavailableError at once without a
        connection, TooManyError over the bound, InvalidInputError for an event over 128 KiB.
        """
        raw = _encode(event)
        self._check_bound()

        def acknowledged(answer: bytes, problem: TrunklineError | None) -> None:
            self._one_less()
            self._note_answer(subject, problem)
            done(outcome_of(problem) if problem else self._stored_or_not(answer))

        header = b"NATS/1.0\r\nNats-Msg-Id: %b\r\n\r\n" % subjects.message_id(event.conv, event.id).encode()
        self.link.publish_soon(subject, raw, header, acknowledged, PUBLISH_TIMEOUT_S)
        self.unacknowledged += 1

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be published until something is acknowledged."""
        return self.unacknowledged >= self.max_unacknowledged

    async def room_for_more(self, within_s: float) -> None:
        """Returns once less than the bound is unacknowledged; who asked first goes first.

        Raises TooManyError `log.busy` when that takes longer than `within_s`.
        """
        try:
            async with asyncio.timeout(within_s):
                while self.is_full:
                    turn = asyncio.get_running_loop().create_future()
                    self._queue.append(turn)
                    await turn
        except TimeoutError:
            raise _busy() from None

    async def publish(self, subject: str, event: ev.Event, expected_seq: int | None = None) -> Stored:
        """Stores one event, if `expected_seq` is given only after that sequence of its subject.

        Raises WrongSequenceError unless the event turns out to be stored already (a retry), and what
        `publish_soon` raises or reports.
        """
        raw = _encode(event)
        headers: list[tuple[str, str | int]] = [("Nats-Msg-Id", subjects.message_id(event.conv, event.id))]
        if expected_seq is not None:
            headers.append(("Nats-Expected-Last-Subject-Sequence", expected_seq))
        try:
            return self._noted(await self._send(subject, raw, header_block(*headers)))
        except ApiError as refused:
            if refused.err_code != WRONG_LAST_SEQUENCE:
                raise
            return await self._if_mine(subject, [event], refused)

    async def publish_batch(self, subject: str, batch: Sequence[ev.Event], expected_seq: int) -> Stored:
        """Stores all events of one act or none, after `expected_seq` of their subject (0: it is new).

        Returns the last one's place. Raises as `publish`.
        """
        if len(batch) == 1:
            return await self.publish(subject, batch[0], expected_seq)
        try:
            first, commit = await self._send_batch(subject, batch, expected_seq)
            if isinstance(first, Reply):
                checked(first)
            if isinstance(commit, BaseException):
                raise outcome_of(commit) if isinstance(commit, TrunklineError) else commit
            return self._noted(checked(commit))
        except ApiError as refused:
            if refused.err_code not in {WRONG_LAST_SEQUENCE, REPEATED_ID_IN_BATCH}:
                raise
            return await self._if_mine(subject, batch, refused)

    async def _send_batch(
        self, subject: str, batch: Sequence[ev.Event], expected_seq: int
    ) -> list[Reply | BaseException]:
        """The answers to the first part and to the commit, or why there is none."""
        batch_id = new_event_id()
        pending: list[asyncio.Future[Reply]] = []
        self._check_bound()
        for number, event in enumerate(batch, start=1):
            if failpoints.ARMED and number > 1:
                # What goes before must be at the server, or the kill would leave nothing half done.
                await self.link.flush()
                failpoints.reach("log.batch")
            headers: list[tuple[str, str | int]] = [
                ("Nats-Msg-Id", subjects.message_id(event.conv, event.id)),
                ("Nats-Batch-Id", batch_id),
                ("Nats-Batch-Sequence", number),
            ]
            if number == 1:
                headers.append(("Nats-Expected-Last-Subject-Sequence", expected_seq))
            if number == len(batch):
                headers.append(("Nats-Batch-Commit", 1))
            raw, block = _encode(event), header_block(*headers)
            if 1 < number < len(batch):
                self.link.publish_raw(subject, raw, block)
            else:
                pending.append(self.link.request_future(subject, raw, block, PUBLISH_TIMEOUT_S))
        return await asyncio.gather(*pending, return_exceptions=True)

    # --- read ------------------------------------------------------------------------------

    async def replay(self, subject: str, after_seq: int, limit: int = REPLAY_BATCH) -> tuple[list[LogEvent], bool]:
        """Stored events of `subject` after `after_seq`, ascending, and whether more follow.

        Direct get, no consumer: `limit` events or 512 KiB, at least one.
        """
        request = {
            "seq": after_seq + 1,
            "next_by_subj": subject,
            "batch": limit,
            "max_bytes": REPLAY_BYTES,
        }
        return await self._direct(stream_of(subject), request)

    async def replay_all(self, subject: str, after_seq: int, most: int) -> list[LogEvent]:
        """All stored events after `after_seq`, at most `most`, in as many requests as that takes."""
        found: list[LogEvent] = []
        more = True
        while more and len(found) < most:
            page, more = await self.replay(
                subject, found[-1].seq if found else after_seq, min(REPLAY_BATCH, most - len(found))
            )
            if not page:
                break
            found += page
        return found

    async def last(self, subject: str) -> LogEvent | None:
        """The last stored event of `subject`, which may hold a `*` for the channel; None if there is none."""
        found, _ = await self._direct(stream_of(subject), {"last_by_subj": subject})
        return found[0] if found else None

    async def at_leader(self, subject: str, seq: int) -> bytes | None:
        """The bytes of `subject` at `seq` by its stream's leader, None if there are none; ten times as dear as `at`."""
        try:
            answer = await self.link.api(f"STREAM.MSG.GET.{chat_stream(stream_of(subject))}", {"seq": seq})
        except ApiError as refused:
            if refused.status_code != NOT_FOUND:
                raise
            return None
        message = answer["message"]
        if message["subject"] != subject:
            return None
        header = base64.b64decode(message.get("hdrs", ""))
        return REFLECTED if is_reflected(header) else base64.b64decode(message.get("data", ""))

    async def at(self, subject: str, seq: int) -> LogEvent | None:
        """The event of `subject` stored exactly at `seq`, None if there is none."""
        found, _ = await self._direct(stream_of(subject), {"seq": seq, "next_by_subj": subject, "batch": 1})
        return found[0] if found and found[0].seq == seq else None

    async def last_of_many(self, stream: str, wanted: list[str]) -> dict[str, LogEvent]:
        """The last event of each subject of one stream (its two digits), 500 subjects a request."""
        found: dict[str, LogEvent] = {}
        for start in range(0, len(wanted), 500):
            page, _ = await self._direct(stream, {"multi_last": wanted[start : start + 500]})
            found |= {event.subject: event for event in page}
        return found

    # --- live ------------------------------------------------------------------------------

    def attach(self, chat_subject: str, receive: RawCallback) -> int:
        """Calls `receive` for each event and signal of a conversation from now on, as it came in.

        `place_of` tells where an event stands. See `detach`.
        """
        return self.link.subscribe_raw(subjects.live(chat_subject), receive)

    def detach(self, subscription: int) -> None:
        """Ends `attach`."""
        self.link.unsubscribe_raw(subscription)

    def signal(self, chat_subject: str, payload: bytes) -> None:
        """Sends what needs no storage to whoever is attached."""
        self.link.publish_raw(subjects.live(chat_subject), payload)

    # --- inside ----------------------------------------------------------------------------

    def _stored_or_not(self, answer: bytes) -> Stored | TrunklineError:
        ack = read(answer)
        if ack.error:
            return refusal(ack.error)
        return self._noted(ack)

    def _noted(self, ack: Ack) -> Stored:
        self.note(ack.stream[-2:], ack.seq)
        return Stored(ack.seq, ack.duplicate)

    def _check_bound(self) -> None:
        if self._held:
            raise next(iter(self._held.values()))
        if self.unacknowledged >= self.max_unacknowledged:
            raise _busy()

    def _one_less(self) -> None:
        self.unacknowledged -= 1
        while self._queue and not self.is_full:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                break

    async def _send(self, subject: str, raw: bytes, header: bytes) -> Ack:
        self._check_bound()
        self.unacknowledged += 1
        try:
            reply = await self.link.request_raw(subject, raw, header, PUBLISH_TIMEOUT_S)
        except TrunklineError as error:
            self._note_answer(subject, error)
            raise outcome_of(error) from error
        finally:
            self._one_less()
        self._note_answer(subject, None)
        return checked(reply)

    def _note_answer(self, subject: str, problem: TrunklineError | None) -> None:
        if problem is None:
            if self._unanswered:
                self._unanswered.pop(stream_of(subject), None)
        elif isinstance(problem, UnknownOutcomeError) and self.link.is_usable:
            now = time.monotonic()
            first, _ = self._unanswered.get(stream_of(subject), (now, now))
            self._unanswered[stream_of(subject)] = (first, now)

    async def _if_mine(self, subject: str, batch: Sequence[ev.Event], refused: ApiError) -> Stored:
        """A refused expectation isn't a conflict if the events are stored already: this was a retry."""
        wanted = batch[-1]
        last = await self.last(subject)
        found = ev.parse_envelope(last.raw) if last else None
        # The author too: whoever writes messages chooses their ids.
        if last and found and found.id == wanted.id and found.by.id == wanted.by.id:
            return Stored(last.seq, duplicate=True)
        raise WrongSequenceError(message=str(refused)) from refused

    async def _direct(self, stream: str, request: dict[str, object]) -> tuple[list[LogEvent], bool]:
        many = "batch" in request or "multi_last" in request
        answers = await self.link.request_many(
            f"$JS.API.DIRECT.GET.{chat_stream(stream)}",
            msgspec.json.encode(request),
            ends if many else is_single,
        )
        found: list[LogEvent] = []
        for header, data in answers:
            status = status_of(header)
            if status is None:
                found.append(log_event(header, data))
            elif status == b"204":
                return found, int(header_value(header, b"Nats-Num-Pending") or 0) > 0
            elif status != b"404":
                raise UnavailableError("log.unreadable", f"The log refused to be read: {status.decode()}.")
        return found, False


def _encode(event: ev.Event) -> bytes:
    raw = ev.encode(event)
    if len(raw) > MAX_EVENT_BYTES - 1024:
        raise InvalidInputError("event.too_large", "The event is larger than 127 KiB; send long texts as a file.")
    return raw


def _busy() -> TooManyError:
    return TooManyError("log.busy", "Too much is being stored at once. Send it again.", retry_after_ms=200)
