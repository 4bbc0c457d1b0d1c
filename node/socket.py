"""The shell around a session: reads frames, acts on them, writes the outbox, keeps the time-outs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from backbone import events as ev
from backbone import presence
from backbone.errors import ConflictError, NotAuthenticatedError, TooManyError, TrunklineError
from backbone.ids import new_uuid
from node import frames as f
from node import greeting, reading, writing
from node.authenticate import Who
from node.context import FRAMES, REFUSED, SOCKETS, Context
from node.marks import Marks
from node.outbox import Outbox
from node.reading import View
from node.session import Bounds, Close, Refuse, Session
from node.settings import NodeSettings
from node.watching import Mirror, Watcher

MOST_READING: Final = 4
CLOSE_WITHIN_S: Final = 2.0

_log = structlog.get_logger("node.socket")


class Socket:
    """One attached client. Frames are acted on in the order they came; only `history` runs beside them."""

    def __init__(self, context: Context, websocket: WebSocket) -> None:
        self._context = context
        self._websocket = websocket
        self.id = new_uuid()
        self.outbox = Outbox(context.settings.unsent_bytes)
        self.session = Session(bounds(context.settings))
        self.views: dict[str, View] = {}
        self.marks = Marks(context.log)
        self.source = ev.Source()
        self._heard_at = time.monotonic()
        self._reading: set[asyncio.Task[None]] = set()
        self._watch: tuple[Mirror, Watcher] | None = None
        self._silence: asyncio.TimerHandle | None = None

    @property
    def who(self) -> Who | None:
        """Who it is, once `hello` was accepted."""
        return self.session.who

    async def run(self) -> None:
        """Serves the client until it leaves or is closed."""
        loop = asyncio.get_running_loop()
        settings = self._context.settings
        self._context.sockets[self.id] = self
        SOCKETS.inc()
        self._silence = loop.call_later(settings.hello_s, self._check_hello)
        writer = asyncio.create_task(self._write(), name="socket.write")
        reader = asyncio.create_task(self._read(), name="socket.read")
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            self._leave()
            if not writer.done():
                # The client is gone, or nothing more may go out than what stands before the close.
                await asyncio.wait({writer}, timeout=CLOSE_WITHIN_S if self.outbox.is_closing else 0)
                writer.cancel()
            results = await asyncio.gather(writer, reader, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    _log.error("socket.failed", session=self.id, exc_info=result)
            if self.who is not None and self.who.kind == "agent":
                await self._no_longer_here(self.who)

    def refuse(self, frame: f.FromClient, error: TrunklineError) -> None:
        """Tells the client that a frame wasn't done, and why."""
        REFUSED.labels(error.code).inc()
        decided = error.decided_by if isinstance(error, ConflictError) else None
        err = f.Err(
            id=getattr(frame, "id", ""),
            conv=getattr(frame, "conv", "") or "",
            code="conflict" if decided else error.code,
            message=error.message,
            field=error.field or "",
            retry_after_ms=error.retry_after_ms or 0,
        )
        self.outbox.push(f.conflict_frame(err, decided))

    async def say_here(self) -> None:
        """Keeps the presence key of an agent's socket alive."""
        who = self.who
        if who is None or who.kind != "agent":
            return
        key = presence.key(who.tenant, who.id, self.id)
        here = presence.Here(writing.now_ms())
        await presence.presence(self._context.link).put(key, here, presence.TTL_S)

    # --- in and out ------------------------------------------------------------------------

    async def _read(self) -> None:
        while not self.outbox.is_closing:
            message = await self._websocket.receive()
            if message["type"] != "websocket.receive":
                return
            self._heard_at = time.monotonic()
            text = message.get("text")
            if text is None:
                self.outbox.close(f.BAD_FRAME, "frames are text")
                return
            if len(text) > self._context.settings.frame_bytes:
                self.outbox.close(f.TOO_LARGE, f"frames have {self._context.settings.frame_bytes} bytes at most")
                return
            await self._on_text(text)

    async def _on_text(self, text: str) -> None:
        verdict = self.session.on_text(text, self._heard_at)
        if isinstance(verdict, Close):
            self.outbox.close(verdict.code, verdict.reason)
            return
        if isinstance(verdict, Refuse):
            REFUSED.labels(verdict.err.code).inc()
            self.outbox.push(f.encode(verdict.err))
            return
        frame = verdict.frame
        FRAMES.labels(type(frame).__name__.lower()).inc()
        try:
            await self._act_on(frame)
        except TrunklineError as error:
            self.refuse(frame, error)
        except Exception:  # noqa: BLE001 - the socket ends with our fault, the trace is logged
            # Our fault must not look like silence: the client is told and comes back with what it has.
            _log.exception("frame.failed", session=self.id, frame=type(frame).__name__)
            self.outbox.close(f.OUR_FAULT, "the frame could not be processed")

    async def _act_on(self, frame: f.FromClient) -> None:
        if isinstance(frame, f.Hello):
            await self._greet(frame)
            return
        if self.session.who is not None:
            await self._act_as(self.session.who, frame)

    async def _act_as(self, who: Who, frame: f.FromClient) -> None:
        context = self._context
        if isinstance(frame, f.Ping):
            self.outbox.push(f.encode(f.Pong(n=frame.n)))
        elif isinstance(frame, f.Unsub):
            reading.unsubscribe(self, frame)
        elif isinstance(frame, f.Watch):
            await self._watch_view(who, frame)
        elif isinstance(frame, f.History):
            self._read_beside(who, frame)
        else:
            await _HANDLERS[type(frame)](context, self, who, frame)

    async def _write(self) -> None:
        websocket = self._websocket

        async def send(frame: str) -> None:
            await websocket.send({"type": "websocket.send", "text": frame})

        try:
            await self.outbox.run(send)
            await websocket.close(self.outbox.close_code, self.outbox.close_reason[:120])
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            # The client left while something was on its way to it.
            _log.debug("socket.gone", session=self.id, error=repr(error))

    # --- hello and leaving -----------------------------------------------------------------

    async def _greet(self, frame: f.Hello) -> None:
        if frame.version < f.VERSION:
            self.outbox.close(f.TOO_OLD, "reload: this version of the client is no longer served")
            return
        try:
            welcome = await greeting.greet(self._context, self._websocket, frame, self.id)
        except NotAuthenticatedError as error:
            self.outbox.close(f.NOT_AUTHENTICATED, f"{error.code}: {error.message}")
            return
        except TrunklineError as error:
            self.outbox.close(f.FORBIDDEN if error.status < 500 else f.OUR_FAULT, f"{error.code}: {error.message}")
            return
        self.session.began(welcome.who, time.monotonic())
        self.source = ev.Source(page=frame.page, referrer=frame.referrer, device=frame.client, locale=frame.locale)
        if welcome.who.kind == "agent":
            await self.say_here()
        self.outbox.push(f.encode(welcome.frame))
        self._arm_silence()

    def _leave(self) -> None:
        if self._silence:
            self._silence.cancel()
        self.marks.flush()
        for conv in list(self.views):
            reading.forget(self, conv)
        if self._watch:
            self._watch[0].remove(self._watch[1])
        for task in self._reading:
            task.cancel()
        self.outbox.close(f.RESTART, "")
        if self._context.sockets.pop(self.id, None):
            SOCKETS.dec()

    async def _no_longer_here(self, who: Who) -> None:
        try:
            await presence.presence(self._context.link).delete(presence.key(who.tenant, who.id, self.id))
        except TrunklineError as error:
            # The key ends by its time to live.
            _log.info("presence.not_deleted", code=error.code)

    def _check_hello(self) -> None:
        if self.session.who is None:
            self.outbox.close(f.NOT_AUTHENTICATED, "no hello came in time")

    def _arm_silence(self) -> None:
        if self._silence:
            self._silence.cancel()
        wait_s = self._heard_at + self._context.settings.silent_s - time.monotonic()
        if wait_s <= 0:
            self.outbox.close(f.TOO_SLOW, "silent for too long; resume with your watermark")
            return
        self._silence = asyncio.get_running_loop().call_later(wait_s, self._arm_silence)

    # --- watch and history -----------------------------------------------------------------

    async def _watch_view(self, who: Who, frame: f.Watch) -> None:
        mirror = await self._context.mirrors.of(who.tenant)
        if self._watch:
            self._watch[0].remove(self._watch[1])
        watcher = Watcher(who.id, frame.view, frame.limit, self.outbox.push)
        self._watch = (mirror, watcher)
        mirror.add(watcher)

    def _read_beside(self, who: Who, frame: f.History) -> None:
        if len(self._reading) >= MOST_READING:
            raise TooManyError("history.busy", "Wait for the pages asked for before.", retry_after_ms=500)
        task = asyncio.create_task(self._history(who, frame))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _history(self, who: Who, frame: f.History) -> None:
        try:
            await reading.history(self._context, self, who, frame)
        except TrunklineError as error:
            self.refuse(frame, error)


type_of_handler = Callable[[Context, Socket, Who, Any], Awaitable[None]]

_HANDLERS: Final[dict[type[f.FromClient], type_of_handler]] = {
    f.Send: writing.send,
    f.Sub: reading.subscribe,
    f.Mark: writing.mark,
    f.Signal: writing.signal,
    f.Act: writing.act,
    f.Presence: writing.presence,
}


def bounds(settings: NodeSettings) -> Bounds:
    """What a session needs of the node's settings."""
    return Bounds(
        text_bytes=settings.text_bytes,
        visitor_conversations=settings.visitor_conversations,
        agent_conversations=settings.agent_conversations,
        visitor_rate=settings.visitor_rate,
        visitor_burst=settings.visitor_burst,
        agent_rate=settings.agent_rate,
        agent_burst=settings.agent_burst,
    )
