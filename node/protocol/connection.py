"""A client's connection after the handshake, as an asyncio protocol: no task, no queue and no ASGI message a
frame (docs/adr/0010-frames-without-asgi.md). Starlette and uvicorn do the handshake; `take_over` ends their part.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol, cast

import structlog
from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from backbone.serving.bounds import Bounded
from backbone.serving.http import Protocols
from node.protocol import framing
from node.protocol.frames import BAD_FRAME, TOO_LARGE, TOO_SLOW

EXTENSION: Final = "trunkline.take_over"
FRAGMENTS_MOST: Final = 64
EARLY_MOST: Final = 64 * 1024
ANSWER_WITHIN_S: Final = 2.0
"""Time for the client's close frame after ours."""

FLUSH_WITHIN_S: Final = 8.0
"""Then, time for what a slow reader hasn't taken yet, so that it finds the close code behind it."""

_log = structlog.get_logger("node.protocol.connection")


class Receiver(Protocol):
    """Who is told of what comes in."""

    def on_text(self, payload: bytes) -> None:
        """A whole text message. Must not block."""

    def on_left(self) -> None:
        """Nothing more will come in or go out; called once."""


class Connection(asyncio.Protocol):
    """Frames in, frames out, within bounds. Full: closed with 4408; nothing is ever dropped in between."""

    __slots__ = (
        "_fragments",
        "_has_left",
        "_most_bytes",
        "_most_unsent",
        "_receiver",
        "_rest",
        "_timer",
        "_transport",
        "close_code",
    )

    def __init__(self, transport: asyncio.Transport, most_bytes: int, most_unsent: int) -> None:
        self._transport = transport
        self._most_bytes = most_bytes
        self._most_unsent = most_unsent
        self._receiver: Receiver | None = None
        self._rest = b""
        self._fragments: list[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_left = False
        self.close_code = 0

    def begin(self, receiver: Receiver, early: bytes) -> None:
        """From now on `receiver` is told; `early` came in before."""
        if self._has_left:
            receiver.on_left()
            return
        self._receiver = receiver
        if early:
            self.data_received(early)

    # --- out -------------------------------------------------------------------------------

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is taken."""
        return self.close_code != 0

    @property
    def unsent(self) -> int:
        """Bytes that wait for the client to read."""
        return self._transport.get_write_buffer_size()

    def push(self, frame: bytes) -> None:
        """Sends a whole frame, as `framing.text_frame` makes it."""
        transport = self._transport
        if self.close_code or transport.is_closing():
            return
        transport.write(frame)
        if transport.get_write_buffer_size() > self._most_unsent:
            self.close(TOO_SLOW, "too slow a reader; resume with your watermark")

    def close(self, code: int, reason: str) -> None:
        """Ends the connection after what is on its way; the first code stands."""
        if self.close_code:
            return
        self.close_code = code
        if not self._transport.is_closing():
            self._transport.write(framing.close_frame(code, reason))
        self._timer = asyncio.get_running_loop().call_later(ANSWER_WITHIN_S, self._end)
        self._leave()

    def abort(self) -> None:
        """Ends the connection at once."""
        self._transport.abort()

    # --- in --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Reads nothing more from the client, whose own buffers fill; see `resume`."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._rest:
            data = self._rest + data
        start = 0
        try:
            while frame := framing.cut(data, start, self._most_bytes):
                start = frame.end
                if frame.first == framing.TEXT and self._fragments is None:
                    self._tell(frame.payload)
                else:
                    self._uncommon(frame.first, frame.payload)
        except framing.FramingError as wrong:
            # What follows can't be understood any more.
            self._rest = b""
            self.close(TOO_LARGE if wrong.code == CloseCode.MESSAGE_TOO_BIG else wrong.code, wrong.reason)
            return
        self._rest = data[start:]

    def eof_received(self) -> None:
        """The client will send nothing more: it is gone."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if exc is not None:
            _log.debug("connection.lost", error=repr(exc))
        if self._timer:
            self._timer.cancel()
        # Work that began before may still have something to say, and there is nobody to say it to.
        self.close_code = self.close_code or CloseCode.ABNORMAL_CLOSURE
        self._leave()

    # --- inside ----------------------------------------------------------------------------

    def _tell(self, payload: bytes) -> None:
        if self._receiver and not self.close_code:
            self._receiver.on_text(payload)

    def _uncommon(self, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if opcode == framing.CLOSING:
            self._answer_close(framing.close_code(payload))
        elif opcode == framing.PING:
            self.push(framing.pong_frame(payload))
        elif opcode == framing.BINARY:
            self.close(BAD_FRAME, "frames are text")
        elif opcode in (framing.FRAGMENT, framing.CONTINUED):
            self._collect(opcode, payload, is_last=bool(first & 0x80))
        elif opcode != framing.PONG:
            raise framing.FramingError(CloseCode.PROTOCOL_ERROR, "no such opcode")

    def _collect(self, opcode: int, payload: bytes, *, is_last: bool) -> None:
        if (opcode == framing.CONTINUED) == (self._fragments is None):
            raise framing.FramingError(CloseCode.PROTOCOL_ERROR, "fragments come one after the other")
        fragments = self._fragments = self._fragments or []
        fragments.append(payload)
        if sum(map(len, fragments)) > self._most_bytes or len(fragments) > FRAGMENTS_MOST:
            raise framing.FramingError(
                CloseCode.MESSAGE_TOO_BIG,
                f"messages have {self._most_bytes} bytes and {FRAGMENTS_MOST} fragments at most",
            )
        if is_last:
            self._fragments = None
            self._tell(b"".join(fragments))

    def _answer_close(self, code: int) -> None:
        if not self.close_code:
            self.close_code = code
            answer = CloseCode.NORMAL_CLOSURE if code == CloseCode.NO_STATUS_RCVD else code
            self._transport.write(framing.close_frame(answer, ""))
        self._transport.close()
        self._leave()

    def _end(self) -> None:
        self._transport.close()
        self._timer = asyncio.get_running_loop().call_later(FLUSH_WITHIN_S, self._transport.abort)

    def _leave(self) -> None:
        if not self._has_left:
            self._has_left = True
            if self._receiver:
                self._receiver.on_left()
            self._receiver = None


class Upgradable(Bounded):
    """uvicorn's HTTP until a request asks for a WebSocket."""

    def handle_websocket_upgrade(self) -> None:
        """Hands over to `Handshake`; a parser and its protocol hold each other, so one lets go."""
        self.depart()
        super().handle_websocket_upgrade()
        del self.parser, self.transport, self.flow, self.scope, self.headers


class Handshake(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket until the application takes the connection over."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._early = b""

    def data_received(self, data: bytes) -> None:
        """The request, or what an eager client sent right behind it."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        self._early += data
        if len(self._early) > EARLY_MOST:
            self.transport.pause_reading()

    async def run_asgi(self) -> None:
        """Calls the application, which finds `take_over` among the extensions of its scope."""
        cast("dict[str, Any]", self.scope["extensions"])[EXTENSION] = self._take_over
        await super().run_asgi()

    def _take_over(self, most_bytes: int, most_unsent: int) -> tuple[Connection, bytes]:
        connection = Connection(self.transport, most_bytes, most_unsent)
        self.transport.set_protocol(connection)
        self.transport.resume_reading()
        self.connections.discard(self)
        # uvicorn closes what it holds when the application returns: it holds nothing any more. What holds itself in
        # a ring would stay until the collector comes to old objects, 47 of them a socket.
        self.transport = cast("asyncio.Transport", _Nothing())
        early = self._early
        del self.conn, self.queue, self.writable, self.request, self.response, self.scope, self._early
        return connection, early


class _Nothing:
    """In place of a transport that was taken over."""

    def close(self) -> None:
        """Nothing to close."""


def take_over(websocket: WebSocket, most_bytes: int, most_unsent: int) -> tuple[Connection, bytes]:
    """The accepted socket's connection, and what came in already. The endpoint calls `begin` and returns."""
    taken: tuple[Connection, bytes] = websocket.scope["extensions"][EXTENSION](most_bytes, most_unsent)
    return taken


PROTOCOLS: Final = Protocols(Upgradable, Handshake)
