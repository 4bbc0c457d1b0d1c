"""The connection to NATS with a thin dispatcher: raw subscriptions, requests and JetStream API calls.

nats-py builds a message object and a header dictionary for each message (25 us) and a task for each
subscription (4.9 KB). Here a raw subscription is one small object and a call, headers stay bytes,
all answers come in by one inbox and all acknowledgements by another. nats-py keeps the socket and
reconnecting, where it replays raw subscriptions like its own. This file and `parser.py` alone touch
nats-py's insides; `tests/integration/backbone/test_link.py` holds them to the real server's behaviour.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.protocol import command

from backbone.errors import TooLargeError, TrunklineError
from backbone.nats import permissions
from backbone.nats.wire.answers import ApiError, Reply, answer_decoder, nobody, not_ours, unknown, unreachable
from backbone.nats.wire.header import header_block, status_of
from backbone.nats.wire.parser import BatchParser, RawCallback
from backbone.nats.wire.waiting import RawSubscription, Waiting, fail
from backbone.until import cancel_again

Done = Callable[[bytes, TrunklineError | None], None]
"""What `publish_soon` calls once: the answer's payload, or an empty one and what went wrong."""

SECOND_NS: Final = 1_000_000_000
"""JetStream's durations are nanoseconds."""


SWEEP_S: Final = 0.25
RECONNECT_WAIT_S: Final = 0.2
REQUEST_TIMEOUT_S: Final = 5.0
PENDING_BYTES: Final = 64 * 1024 * 1024
STATUS_NO_RESPONDERS: Final = b"503"

SUBJECT_MOST: Final = 1024
"""Bytes of a subject. nats-server closes a connection whose control line has over 4096."""

HEADER_LINE: Final = 4
"""Bytes that a header's line has beside its name and value: colon, space, CR, LF."""


_REFUSED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"')
"""What nats-server says to a user who isn't allowed a subject, in lower case, as nats-py reads it."""

_log = structlog.get_logger("backbone.nats.link")


class Link(Client):
    """One connection to NATS, for ever reconnecting. Make it, then `await open(...)`."""

    def __init__(self) -> None:
        super().__init__()
        self._name_inboxes("")
        self._waiting: dict[bytes, Waiting] = {}
        self._clock = time.monotonic
        self._acks: dict[bytes, tuple[Done, float]] = {}
        self.raw_callbacks: dict[bytes, RawCallback] = {}
        self._ps = BatchParser(self)
        self._tokens = itertools.count(1)
        self._on_reconnect: list[Callable[[], Awaitable[None]]] = []
        self._on_disconnect: dict[int, Callable[[], None]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_open = asyncio.Event()
        self.was_lost = asyncio.Event()
        """Set when nats-py gave the connection up for good though nobody closed it: only a new process helps."""
        self._is_leaving = False

    async def open(
        self,
        url: str,
        *,
        name: str,
        user: str = "",
        password: str = "",
        admit: Callable[[Link], Awaitable[object]] | None = None,
    ) -> None:
        """Connects, trying for ever; `is_open` is set from the first connection on.

        `admit` is awaited before anybody may publish; what it raises is raised here.
        """
        self._name_inboxes(user)
        connecting = asyncio.create_task(
            self.connect(
                url.split(","),
                name=name,
                user=user or None,
                password=password or None,
                inbox_prefix=f"_INBOX.{self.own}",
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]  # seconds, fractions work
                connect_timeout=3,
                ping_interval=10,
                max_outstanding_pings=2,
                pending_size=PENDING_BYTES,
                error_cb=self._say_error,
                disconnected_cb=self._when_disconnected,
                reconnected_cb=self._when_reconnected,
                closed_cb=self._when_closed,
            ),
            name="link.connect",
        )
        try:
            await asyncio.wait({connecting})
        finally:
            await cancel_again(connecting)
        connecting.result()
        self.subscribe_raw(self._inbox_prefix_raw + "*", self._answered)
        self.subscribe_raw(self._ack_inbox + "*", self._acknowledged)
        self._sweeper = asyncio.create_task(self._sweep(), name="link.sweep")
        if admit:
            await admit(self)
        self.is_open.set()

    async def close(self) -> None:
        """Flushes what is pending and leaves; requests without an answer fail."""
        self._is_leaving = True
        if self._sweeper:
            self._sweeper.cancel()
        self._fail_waiting()
        await self._end_reconnecting()
        if not self.is_connected:
            # nats-py would write it to a transport that is closed already.
            self._pending.clear()
            self._pending_data_size = 0
        try:
            await super().close()
        except asyncio.CancelledError:
            if (asking := asyncio.current_task()) and asking.cancelling():
                raise
            # Not ours: the attempt to reconnect was cancelled, and with it the end of the transport that both wait for.
            await self._when_disconnected()

    async def _end_reconnecting(self) -> None:
        """nats-py cancels its attempt once, which that may lose: no process would end, in 3 of 240 stops together with
        the server's.
        """
        attempt = self._reconnection_task
        if attempt is not None and attempt is not asyncio.current_task():
            await cancel_again(attempt)

    @property
    def is_usable(self) -> bool:
        """Whether something published now goes out now."""
        return self.is_open.is_set() and self.is_connected

    @property
    def server_id(self) -> str:
        """The id of the server behind the present connection, made anew at each of its starts."""
        return str(self._server_info.get("server_id", ""))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Holds a task that nobody waits for until it has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """`callback` is awaited in a task of its own after each reconnect."""
        self._on_reconnect.append(callback)

    def on_disconnect(self, callback: Callable[[], None]) -> Callable[[], None]:
        """`callback` is called each time the connection is lost, until the returned function is called."""
        key = next(self._tokens)
        self._on_disconnect[key] = callback
        return lambda: self._on_disconnect.pop(key, None) and None

    # --- raw -------------------------------------------------------------------------------

    def subscribe_raw(self, subject: str, callback: RawCallback, queue: str = "") -> int:
        """Calls `callback` for each message; returns the id that `unsubscribe_raw` takes."""
        self._sid += 1
        sid: int = self._sid
        self._subs[sid] = RawSubscription(subject, queue)  # type: ignore[assignment]
        self.raw_callbacks[b"%d" % sid] = callback
        if self.is_connected:
            self._write(command.sub_cmd(subject, queue, sid))
        return sid

    def unsubscribe_raw(self, sid: int) -> None:
        """Ends a raw subscription; unknown ids are ignored."""
        self.raw_callbacks.pop(b"%d" % sid, None)
        if self._subs.pop(sid, None) is not None and self.is_connected:
            self._write(command.unsub_cmd(sid, 0))

    def publish_raw(self, subject: str, payload: bytes, header: bytes | None = None, reply: str = "") -> None:
        """Puts a message into the outgoing buffer.

        `header` is a whole block as `header_block` makes it. Raises UnavailableError without a connection, and
        TooLargeError `log.too_large` for what the server's `max_payload` doesn't hold: it would close the connection.
        """
        if not self.is_usable:
            raise unreachable()
        self._check_size(subject, len(payload) + (0 if header is None else len(header)))
        if header is None:
            self._write(f"PUB {subject} {reply} {len(payload)}\r\n".encode() + payload + b"\r\n")
        else:
            size = len(header)
            self._write(
                f"HPUB {subject} {reply} {size} {size + len(payload)}\r\n".encode() + header + payload + b"\r\n"
            )

    def publish_soon(self, subject: str, payload: bytes, header: bytes, done: Done, timeout_s: float) -> None:
        """Publishes now; `done` is called once: with the answer, or with UnknownOutcomeError when none came in
        time or the connection broke, or UnavailableError where nobody listens. It must not raise.

        No future, no task: one dictionary entry a message. Raises as `publish_raw`.
        """
        token = b"%d" % next(self._tokens)
        if not self.is_usable:
            raise unreachable()
        size = len(header)
        self._check_size(subject, size + len(payload))
        self._write(
            b"HPUB %b %b%b %d %d\r\n%b%b\r\n"
            % (subject.encode(), self._ack_inbox_raw, token, size, size + len(payload), header, payload)
        )
        self._acks[token] = (done, self._clock() + timeout_s)

    def request_future(
        self,
        subject: str,
        payload: bytes,
        header: bytes | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> asyncio.Future[Reply]:
        """Sends a request now; the future gets the one answer.

        It fails with UnknownOutcomeError when the answer doesn't come or the connection breaks, and with
        UnavailableError when nobody listens on the subject.
        """
        return self._request(subject, payload, header, timeout_s, None)

    async def request_raw(
        self,
        subject: str,
        payload: bytes,
        header: bytes | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Reply:
        """The one answer to a request; errors as `request_future`."""
        return await self.request_future(subject, payload, header, timeout_s)

    async def request_many(
        self,
        subject: str,
        payload: bytes,
        is_last: Callable[[bytes | None, bytes], bool],
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> list[Reply]:
        """All answers to a request up to and with the one for which `is_last(header, payload)` holds."""
        future: asyncio.Future[Any] = self._request(subject, payload, None, timeout_s, is_last)
        answers: list[Reply] = await future
        return answers

    async def api(self, verb: str, request: Any, timeout_s: float = REQUEST_TIMEOUT_S) -> Any:
        """A JetStream API call, `$JS.API.<verb>`. Raises ApiError where JetStream refuses."""
        payload = msgspec.json.encode(request) if request else b""
        answer = await self.request_raw(f"$JS.API.{verb}", payload, timeout_s=timeout_s)
        problem = answer_decoder.decode(answer.data).error
        if problem:
            raise ApiError(problem.code, problem.err_code, problem.description)
        return msgspec.json.decode(answer.data)

    async def publish(
        self, subject: str, payload: bytes = b"", reply: str = "", headers: dict[str, Any] | None = None
    ) -> None:
        """nats-py's own, which its object store and services publish by; measured as `publish_raw` measures.

        nats-py looks at the payload alone, while the server counts the headers too.
        """
        named = sum(len(k.encode()) + len(str(v).encode()) + HEADER_LINE for k, v in (headers or {}).items())
        self._check_size(subject, len(payload) + (named + len(header_block()) if headers else 0))
        await super().publish(subject, payload, reply, headers)

    async def process_message(self, sid: int, subject: bytes, reply: bytes, data: bytes, header: bytes | None) -> None:
        """A message of one of nats-py's own subscriptions, as its parser hands it on."""
        await self._process_msg(sid, subject, reply, data, header)  # type: ignore[arg-type]  # it takes None too

    # --- inside ----------------------------------------------------------------------------

    def _check_size(self, subject: str, size: int) -> None:
        if size > self._max_payload or len(subject) > SUBJECT_MOST:
            raise TooLargeError(
                "log.too_large", f"This has {size} bytes with its headers; NATS takes {self._max_payload} at once."
            )

    def _name_inboxes(self, user: str) -> None:
        """Where we are answered: under our user's token, which no other user may listen to (permissions.py)."""
        self.own = permissions.own(user)
        self._inbox_prefix_raw = f"_TL.{self.own}.{secrets.token_hex(6)}."
        self._prefix_length = len(self._inbox_prefix_raw)
        self._ack_inbox = f"_TA.{self.own}.{secrets.token_hex(6)}."
        self._ack_inbox_raw = self._ack_inbox.encode()

    def _request(
        self,
        subject: str,
        payload: bytes,
        header: bytes | None,
        timeout_s: float,
        is_last: Callable[[bytes | None, bytes], bool] | None,
    ) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        token = str(next(self._tokens))
        self.publish_raw(subject, payload, header, self._inbox_prefix_raw + token)
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting[token.encode()] = Waiting(future, loop.time() + timeout_s, is_last, subject)
        return future

    def _answered(self, subject: bytes, _reply: bytes, header: bytes | None, data: bytes) -> None:
        token = subject[self._prefix_length :]
        waiting = self._waiting.get(token)
        if waiting is None:
            return
        if header is not None and not data and status_of(header) == STATUS_NO_RESPONDERS:
            del self._waiting[token]
            if not waiting.future.done():
                waiting.future.set_exception(nobody())
            return
        result: Any = Reply(header, data)
        if waiting.is_last is not None:
            waiting.collected.append(result)
            if not waiting.is_last(header, data):
                return
            result = waiting.collected
        del self._waiting[token]
        if not waiting.future.done():
            waiting.future.set_result(result)

    def _acknowledged(self, subject: bytes, _reply: bytes, header: bytes | None, data: bytes) -> None:
        waiting = self._acks.pop(subject[len(self._ack_inbox_raw) :], None)
        if waiting is None:
            return
        if header is not None and not data and status_of(header) == STATUS_NO_RESPONDERS:
            waiting[0](b"", nobody())
        else:
            waiting[0](data, None)

    def _write(self, chunk: bytes) -> None:
        self._pending.append(chunk)
        self._pending_data_size += len(chunk)
        queue = self._flush_queue
        if queue is not None and queue.empty():
            queue.put_nowait(asyncio.get_running_loop().create_future())

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            now = loop.time()
            late = [t for t, w in self._waiting.items() if w.deadline <= now or w.future.done()]
            for token in late:
                fail(self._waiting.pop(token))
            self._sweep_acks(self._clock())

    def _sweep_acks(self, now: float) -> None:
        # They are in the order of publishing, and their time-outs are alike: the first one in time ends the sweep.
        late: list[bytes] = []
        for token, (_, deadline) in self._acks.items():
            if deadline > now:
                break
            late.append(token)
        for token in late:
            self._acks.pop(token)[0](b"", unknown())

    def _fail_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            fail(one)
        acks, self._acks = self._acks, {}
        for done, _ in acks.values():
            done(b"", unknown())

    async def _when_disconnected(self) -> None:
        # What hasn't gone out must not go out later: its senders have been told that it may be lost.
        self._pending.clear()
        self._pending_data_size = 0
        self._fail_waiting()
        for callback in list(self._on_disconnect.values()):
            callback()
        if not self.is_closed:
            _log.warning("nats.disconnected")

    async def _when_reconnected(self) -> None:
        _log.info("nats.reconnected", server=self.connected_url and self.connected_url.netloc)
        for callback in self._on_reconnect:
            task = asyncio.ensure_future(callback())
            self._tasks.add(task)
            task.add_done_callback(self._reconnect_done)

    def _reconnect_done(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            _log.error("nats.after_reconnect_failed", exc_info=task.exception())

    async def _process_err(self, err_msg: str) -> None:
        """An `-ERR` of the server. nats-py closes for good at most of them; the server itself closes the connection
        where it means to, and what is read then is its end: nats-py reconnects as after any other.
        """
        await self._say_error(NatsError(f"nats: {err_msg.strip(chr(39))}"))

    async def _when_closed(self) -> None:
        if not self._is_leaving:
            _log.error("nats.lost", error=repr(self.last_error))
            self.was_lost.set()

    def _forbidden(self, subject: str) -> None:
        """The server refuses this user a subject: who waits for an answer from it needn't wait for its time.

        `subject` comes in lower case: nats-py reads errors so.
        """
        for token in [token for token, waiting in self._waiting.items() if waiting.subject.lower() == subject]:
            waiting = self._waiting.pop(token)
            if not waiting.future.done():
                waiting.future.set_exception(not_ours(waiting.subject))

    async def _say_error(self, error: Exception) -> None:
        if (refused := _REFUSED.search(str(error))) is not None:
            # nats-py keeps the connection for these, and so does the server.
            _log.error("nats.forbidden", user=self.own, what=refused[1], subject=refused[2])
            if refused[1] == "publish":
                self._forbidden(refused[2])
        elif isinstance(error, (OSError, asyncio.TimeoutError)):
            _log.warning("nats.unreachable", error=str(error) or type(error).__name__)
        elif "authorization violation" in str(error).lower():
            _log.error(
                "nats.refused_us",
                error=f"NATS takes no user {self.own!r} with this password: see TRUNKLINE_NATS_USER and "
                "TRUNKLINE_NATS_PASSWORD, and on the server `trunkline nats users`. Trying on.",
            )
        elif isinstance(error, NatsError):
            _log.warning("nats.error", error=repr(error))
        else:
            _log.error("nats.error", error=repr(error))
