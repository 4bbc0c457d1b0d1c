"""One attached client: its frames are acted on in the order they came, at once where nothing must be waited
for, else by one task; only `history` runs beside them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple, get_args

import structlog
from msgspec import Struct

from backbone import events as ev
from backbone import presence as presences
from backbone.access import Who, scope
from backbone.clock import utc_ms
from backbone.commands import Send
from backbone.errors import ConflictError, NotAuthenticatedError, TooManyError, TrunklineError
from backbone.ids import new_uuid
from node import greeting
from node.commands import act, change, mark, presence, reading, send, signal
from node.commands.answer import Answer
from node.context import Context
from node.greeting import Caller
from node.metrics import CLOSED, FRAMES, REFUSED, SOCKETS
from node.protocol import frames as f
from node.protocol.connection import Connection
from node.protocol.session import Close, Refuse, Session
from node.rooms.marks import Marks
from node.rooms.view import View
from node.rooms.watching import Mirror, Watcher

MOST_READING: Final = 4
MOST_WAITING: Final = 32
"""Frames that wait for the one before them; beyond, the client's own buffers fill."""

_log = structlog.get_logger("node.socket")

Work = Coroutine[Any, Any, None]


class _Watch(NamedTuple):
    mirror: Mirror
    watcher: Watcher


class Socket:
    """What `node.protocol.connection.Connection` tells of what comes in."""

    __slots__ = (
        "_acting",
        "_caller",
        "_context",
        "_heard_at",
        "_held",
        "_is_gone",
        "_reading",
        "_waiting",
        "_watch",
        "connection",
        "id",
        "marks",
        "session",
        "source",
        "views",
    )

    def __init__(self, context: Context, connection: Connection, caller: Caller) -> None:
        self._context = context
        self._caller: Caller | None = caller
        self.connection = connection
        self.id = new_uuid()
        self.session = Session(context.bounds)
        self.views: dict[str, View] = {}
        self.marks: Marks | None = None
        self.source = _NO_SOURCE
        self._heard_at = time.monotonic()
        self._reading: set[asyncio.Task[None]] | None = None
        self._watch: _Watch | None = None
        self._acting: asyncio.Task[None] | None = None
        self._waiting: deque[bytes] | None = None
        self._held: tuple[str, ...] = ()
        self._is_gone = False
        context.sockets[self.id] = self
        SOCKETS.inc()
        self._count_in(caller)

    def is_of(self, tenant: str, actor: str) -> bool:
        """Whether it is a socket of this agent or contact."""
        who = self.who
        return who is not None and who.tenant == tenant and who.id == actor

    @property
    def who(self) -> Who | None:
        """Who it is, once `hello` was accepted."""
        return self.session.who

    # --- what the connection tells ---------------------------------------------------------

    def on_text(self, payload: bytes) -> None:
        """A frame came in."""
        self._heard_at = time.monotonic()
        if self._acting is None:
            self._on_frame(payload)
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(payload)
        if len(self._waiting) == MOST_WAITING:
            self.connection.pause()

    def on_left(self) -> None:
        """The connection ends: everything that holds on to this socket lets go."""
        self._is_gone = True
        if self.marks:
            self.marks.flush()
        for conv in list(self.views):
            reading.forget(self, conv)
        if self._watch:
            self._watch.mirror.remove(self._watch.watcher)
        for task in self._reading or ():
            task.cancel()
        if self._waiting:
            self._waiting.clear()
        who = self.who
        if who is not None and who.kind == "agent":
            self._context.spawn_farewell(self._no_longer_here(who))
        if who is not None and who.kind == "visitor":
            self._context.openings.leave(who, self)
        for key in self._held:
            self._context.quotas.leave(key)
        self._context.sockets.pop(self.id, None)
        SOCKETS.dec()
        code = self.connection.close_code
        CLOSED.labels(str(code) if code in f.CLOSE_CODES else "other").inc()

    # --- what others ask -------------------------------------------------------------------

    def refuse(self, command: Struct, error: TrunklineError) -> None:
        """Tells the client that a frame wasn't done, and why."""
        REFUSED.labels(error.code).inc()
        decided = error.decided_by if isinstance(error, ConflictError) else None
        err = f.Err(
            of=f.name_of(command),
            id=getattr(command, "id", ""),
            conv=getattr(command, "conv", "") or "",
            code="conflict" if decided else error.code,
            message=error.message,
            field=error.field or "",
            retry_after_ms=error.retry_after_ms or 0,
        )
        self.connection.push(f.conflict_frame(err, decided))

    def stored(self, command: Send, seq: int, conv: str, at: int) -> None:
        """Tells the client that its message is in the log."""
        self.connection.push(f.ok_frame(command.id, seq, conv, at))

    def push(self, frame: bytes) -> None:
        """Sends a frame that is ready to be sent."""
        self.connection.push(frame)

    def close(self, code: int, reason: str) -> None:
        """Ends the connection."""
        self.connection.close(code, reason)

    @property
    def conversations(self) -> set[str]:
        """Those that it is attached to."""
        return self.session.conversations

    @property
    def _is_paused(self) -> bool:
        """Whether this node reads nothing from it, so that its silence is the node's."""
        return self._waiting is not None and len(self._waiting) >= MOST_WAITING

    def check_proof(self, wall: float) -> None:
        """Closes a socket whose session, or token, has come to its end; `wall`: Unix seconds."""
        who = self.who
        if who is not None and who.until and wall >= who.until:
            code = f.SIGNED_OUT if who.kind == "agent" else f.NOT_AUTHENTICATED
            self.connection.close(code, "session.expired: prove anew who you are")

    async def prove_again(self) -> None:
        """The agent's record or session changed: goes on as what they are now, or is closed with 4409."""
        who = self.who
        if who is None:
            return
        try:
            now = await self._context.sessions.check(who.session)
            if scope(now) != scope(who):
                # What it watches and is attached to was shown by the former: it comes back and asks for each anew.
                self.connection.close(f.RESTART, "your teams or inboxes changed; come back")
                return
            self.session.is_now(now)
        except NotAuthenticatedError as error:
            self.connection.close(f.SIGNED_OUT, f"{error.code}: {error.message}")
        except TrunklineError as error:
            # It can't be told now: the next hello is asked again.
            self.connection.close(f.RESTART, f"{error.code}: {error.message}")

    def check_silence(self, now: float, hello_s: float, silent_s: float) -> None:
        """Closes a socket that never said hello, or nothing for too long."""
        silent_for = now - self._heard_at
        if self.session.who is None:
            if silent_for > hello_s and self._acting is None:
                self.connection.close(f.NOT_AUTHENTICATED, "no hello came in time")
        elif silent_for > silent_s and not self._is_paused:
            self.connection.close(f.TOO_SLOW, "silent for too long; resume with your watermark")

    async def say_here(self) -> None:
        """Keeps the presence key of an agent's socket alive."""
        who = self.who
        if who is None or who.kind != "agent":
            return
        key = presences.key(who.tenant, who.id, self.id)
        here = presences.Here(utc_ms())
        await presences.presence(self._context.link).put(key, here, presences.TTL_S)

    # --- frames ----------------------------------------------------------------------------

    def _on_frame(self, payload: bytes) -> None:
        verdict = self.session.on_text(payload, self._heard_at)
        if isinstance(verdict, Close):
            self.connection.close(verdict.code, verdict.reason)
            return
        if isinstance(verdict, Refuse):
            REFUSED.labels(verdict.err.code).inc()
            self.connection.push(f.encode(verdict.err))
            return
        frame = verdict.frame
        _COUNT[type(frame)]()
        try:
            work = self._begin(frame)
        except Exception as error:  # noqa: BLE001 - see _fail
            self._fail(frame, error)
            return
        if work is not None:
            self._acting = asyncio.create_task(self._act(frame, work))

    async def _act(self, frame: f.ClientFrame, work: Work) -> None:
        structlog.contextvars.bind_contextvars(session=self.id, **_ids(frame))
        try:
            await work
        except asyncio.CancelledError:
            # Nobody ends this work but the process: what it waited for was ended, and the client must not wait too.
            self.connection.close(f.OUR_FAULT, "the frame could not be processed")
            raise
        except Exception as error:  # noqa: BLE001 - see _fail
            self._fail(frame, error)
        self._acting = None
        waiting = self._waiting
        if not waiting:
            return
        was_paused = self._is_paused
        while waiting and self._acting is None:
            self._on_frame(waiting.popleft())
        if was_paused and not self._is_paused:
            # What it said meanwhile lies in the kernel's buffers: its silence begins anew.
            self._heard_at = time.monotonic()
            self.connection.resume()

    def _fail(self, frame: f.ClientFrame, error: Exception) -> None:
        """Our own fault must not look like silence: the client is told and comes back with what it has."""
        if isinstance(error, TrunklineError):
            self.refuse(frame, error)
            return
        ids = {"session": self.id, **_ids(frame)}
        _log.error("frame.failed", frame=type(frame).__name__, **ids, exc_info=error)
        self.connection.close(f.OUR_FAULT, "the frame could not be processed")

    def _begin(self, frame: f.ClientFrame) -> Work | None:
        """Does what can be done at once; returns what must be waited for."""
        who = self.session.who
        if who is not None:
            return _HANDLERS[type(frame)](self._context, self, who, frame)
        return self._greet(frame) if isinstance(frame, f.Hello) else None

    # --- hello and leaving -----------------------------------------------------------------

    def _count_in(self, caller: Caller) -> None:
        settings = self._context.settings
        try:
            self._hold(_UNGREETED, settings.handshakes, "node before they are greeted")
            if self._context.quotas.is_counted(caller.address):
                self._hold(f"@{caller.address}", settings.address_sockets, "address")
        except TooManyError as error:
            self.connection.close(f.TOO_MANY, f"{error.code}: {error.message}")

    def _hold(self, key: str, most: int, what: str) -> None:
        self._context.quotas.enter(key, most, what)
        self._held += (key,)

    async def _greet(self, frame: f.Hello) -> None:
        if frame.version < f.VERSION:
            self.connection.close(f.TOO_OLD, "reload: this version of the client is no longer served")
            return
        caller, self._caller = self._caller, None
        if caller is None:
            return
        try:
            welcome = await greeting.greet(self._context, caller, frame, self.id)
            if not self._is_gone:
                self._hold(f"{welcome.who.tenant}.{welcome.who.id}", self._context.settings.actor_sockets, "person")
        except NotAuthenticatedError as error:
            self.connection.close(f.NOT_AUTHENTICATED, f"{error.code}: {error.message}")
            return
        except TooManyError as error:
            self.connection.close(f.TOO_MANY, f"{error.code}: {error.message}")
            return
        except TrunklineError as error:
            self.connection.close(f.FORBIDDEN if error.status < 500 else f.OUR_FAULT, f"{error.code}: {error.message}")
            return
        if self._is_gone:
            return
        self._context.quotas.leave(_UNGREETED)
        self._held = tuple(key for key in self._held if key != _UNGREETED)
        self._heard_at = time.monotonic()
        self.session.began(welcome.who, greeting.rates(self._context, welcome.who, caller.address))
        opened = None
        if welcome.who.kind == "agent":
            await self.say_here()
            # What changed while the hello was answered told no socket.
            await self.prove_again()
        else:
            await self._end_if_ended(welcome.who)
            self.source = greeting.source(self._context, frame)
            opened = self._context.openings.join(welcome.who, self)
        self.connection.push(f.encode(welcome.frame))
        if opened and opened != welcome.frame.open and await reading.is_theirs(self._context, welcome.who, opened):
            self.connection.push(f.encode(f.Opened(conv=opened)))

    async def _end_if_ended(self, who: Who) -> None:
        if who.issued_ms <= await self._context.sessions.tokens_end(who.tenant, who.id):
            self.connection.close(f.NOT_AUTHENTICATED, "token.ended: the token was ended; ask for a new one")

    async def _no_longer_here(self, who: Who) -> None:
        try:
            await presences.leave(self._context.link, presences.key(who.tenant, who.id, self.id))
        except TrunklineError as error:
            # The key ends by its time to live.
            _log.info("presence.not_deleted", code=error.code)

    # --- watch and history -----------------------------------------------------------------

    async def watch(self, who: Who, frame: f.Watch) -> None:
        """Shows a view in place of the one before."""
        mirror = await self._context.mirrors.of(who.tenant)
        if self._watch:
            self._watch.mirror.remove(self._watch.watcher)
            self._watch = None
        if self._is_gone:
            return
        self._watch = _Watch(mirror, Watcher(who.id, scope(who), frame.view, frame.limit, self.connection.push))
        mirror.add(self._watch.watcher)

    def read_beside(self, who: Who, frame: f.History) -> None:
        """Answers `history` without holding up the frames behind it. Raises TooManyError `history.busy`."""
        if self._reading is None:
            self._reading = set()
        if len(self._reading) >= MOST_READING:
            raise TooManyError("history.busy", "Wait for the pages asked for before.", retry_after_ms=500)
        task = asyncio.create_task(self._history(who, frame))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _history(self, who: Who, frame: f.History) -> None:
        try:
            await reading.history(self._context, self, who, frame)
        except Exception as error:  # noqa: BLE001 - see _fail
            self._fail(frame, error)


def _ids(frame: f.ClientFrame) -> dict[str, str]:
    """What a line about a frame is found by: the client's own id of it, and its conversation."""
    found = {"request": getattr(frame, "id", ""), "conversation": getattr(frame, "conv", None)}
    return {key: value for key, value in found.items() if value}


def _ping(_context: Context, socket: Socket, _who: Who, frame: f.Ping) -> None:
    socket.connection.push(f.encode(f.Pong(n=frame.n)))


def _unsub(_context: Context, socket: Socket, _who: Who, frame: f.Unsub) -> None:
    reading.unsubscribe(socket, frame)


def _watch(_context: Context, socket: Socket, who: Who, frame: f.Watch) -> Work:
    return socket.watch(who, frame)


def _history(_context: Context, socket: Socket, who: Who, frame: f.History) -> None:
    socket.read_beside(who, frame)


async def _act(context: Context, socket: Socket, who: Who, frame: f.Act) -> None:
    _tell(socket, frame.id, await act.act(context, who, frame.conv, frame.id, f.act_of(frame)))


async def _change(context: Context, socket: Socket, who: Who, frame: f.Edit | f.Recall) -> None:
    _tell(socket, frame.id, await change.change(context, who, frame))


async def _presence(context: Context, socket: Socket, who: Who, frame: f.Presence) -> None:
    _tell(socket, frame.id, await presence.choose(context, who, frame))


async def _mark(context: Context, socket: Socket, who: Who, frame: f.Mark) -> None:
    due = await mark.event_of(context, who, frame)
    if due is None:
        return
    if socket.marks is None:
        socket.marks = Marks(context.log, mark.rate(context, who))
    socket.marks.put(frame.conv, *due)


def _tell(socket: Socket, command: str, answer: Answer) -> None:
    socket.connection.push(f.encode(f.Ok(id=command, seq=answer.seq, conv=answer.conv, at=answer.at)))


Handler = Callable[[Context, Socket, Who, Any], Work | None]

_HANDLERS: Final[dict[type[f.ClientFrame], Handler]] = {
    f.Send: send.send,
    f.Ping: _ping,
    f.Sub: reading.subscribe,
    f.Unsub: _unsub,
    f.History: _history,
    f.Mark: _mark,
    f.Signal: signal.signal,
    f.Act: _act,
    f.Edit: _change,
    f.Recall: _change,
    f.Watch: _watch,
    f.Presence: _presence,
}


_NO_SOURCE: Final = ev.Source()
_UNGREETED: Final = "ungreeted"

_COUNT: Final[dict[type[f.ClientFrame], Callable[[], None]]] = {
    kind: FRAMES.labels(kind.__name__.lower()).inc for kind in get_args(f.ClientFrame)
}
