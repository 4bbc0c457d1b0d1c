"""What strangers may hold of an HTTP server: connections, bytes of a head, and time, each bounded before the
application hears of it.

A connection without a request is closed for a newer one where there are too many, the longest idle first: a flood of
silent connections keeps nobody out. One that answers a request is never closed for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

import prometheus_client
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

BODY_LOOK_S: Final = 10.0
BODY_RATE: Final = 1024
"""Bytes a second, over 10 s, below which a request's body is given up."""

UNREAD_MOST: Final = 32 * 1024 * 1024
UNREAD_S: Final = 10.0
"""What may still come in of a body after its request was answered, and how long. It is read and thrown away: closing at
once would send RST, and the client would lose the answer that says why.
"""

_connections = prometheus_client.Gauge("trunkline_http_connections", "HTTP connections open now.")
_closed = prometheus_client.Counter(
    "trunkline_http_closed", "HTTP connections that the server closed, by why.", ["reason"]
)


class Bounds(NamedTuple):
    """Of one server. Times in seconds, sizes in bytes; `connections` of all and of one address, `requests` at once."""

    connections: int = 1000
    address_connections: int = 500
    requests: int = 1000
    head_bytes: int = 32 * 1024
    headers: int = 100
    head_s: float = 10.0


class _Refused(Exception):  # noqa: N818 - raised within the parser, which wraps it
    """The head passes a bound; `status` is told."""


class Door:
    """The connections of one server.

    `counted_as` says by what an address is counted; "" where it tells nobody from others, as that of a proxy.
    """

    def __init__(self, bounds: Bounds, counted_as: Callable[[str], str] = str) -> None:
        self.bounds = bounds
        self._counted_as = counted_as
        self._open: dict[Bounded, str] = {}
        self._idle: dict[str, dict[Bounded, None]] = {"": {}}
        """By address, and all under "": those without a request, the longest idle first."""
        self._of: dict[str, int] = {}

    def enter(self, connection: Bounded, address: str) -> bool:
        """Counts a connection in; False if there is no room for it, and none that could be closed for it."""
        address = self._counted_as(address)
        if address and self._of.get(address, 0) >= self.bounds.address_connections and not self._shed(address):
            return False
        if len(self._open) >= self.bounds.connections and not self._shed(""):
            return False
        self._open[connection] = address
        _connections.inc()
        if address:
            self._of[address] = self._of.get(address, 0) + 1
        self.rests(connection)
        return True

    def leave(self, connection: Bounded) -> None:
        """It is gone, or no HTTP any more. Again is no error."""
        address = self._open.get(connection)
        if address is None:
            return
        self.works(connection)
        del self._open[connection]
        _connections.dec()
        if not address:
            return
        left = self._of[address] - 1
        if left:
            self._of[address] = left
        else:
            del self._of[address]
            self._idle.pop(address, None)

    def rests(self, connection: Bounded) -> None:
        """It has no request: it may be closed for another."""
        address = self._open.get(connection)
        if address is None:
            return
        self._idle[""][connection] = None
        if address:
            self._idle.setdefault(address, {})[connection] = None

    def works(self, connection: Bounded) -> None:
        """It has a request."""
        self._idle[""].pop(connection, None)
        self._idle.get(self._open.get(connection, ""), {}).pop(connection, None)

    def _shed(self, address: str) -> bool:
        oldest = next(iter(self._idle.get(address, ())), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.give_up("crowded")
        return True


class Bounded(HttpToolsProtocol):
    """uvicorn's HTTP within the bounds of a door."""

    def __init__(self, door: Door, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.door = door
        self._timer: asyncio.TimerHandle | None = None
        self._is_in_head = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._refusal = 400

    # --- the connection --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(transport)
        if self.door.enter(self, self.client[0] if self.client else ""):
            self._await_head()
        else:
            self.give_up("full")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.depart()
        super().connection_lost(exc)

    def depart(self) -> None:
        """The door and the clock let go of it."""
        self._stop_timer()
        self.door.leave(self)

    def give_up(self, reason: str) -> None:
        """Closes the connection at once, and counts why."""
        _closed.labels(reason).inc()
        self._stop_timer()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._timer is None and not self._is_busy:
            # The first of a further request; until then uvicorn's own clock of kept connections ran.
            self._await_head()
        super().data_received(data)
        if self._is_in_head:
            # The parser keeps a field until it is whole: one of 64 MiB was.
            self._head_bytes += len(data)
            if self._head_bytes > self.door.bounds.head_bytes and not self.transport.is_closing():
                self._refusal = 431
                self.send_400_response("The request's head is too large.")

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers to what it can't parse; the status may be another."""
        _closed.labels("head").inc()
        body = msg.encode("ascii")
        self.transport.write(
            b"%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[self._refusal], len(body), body)
        )
        self.transport.close()

    # --- what the parser tells -------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        super().on_url(url)
        self._count(len(self.url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head."""
        super().on_header(name, value)
        if len(self.headers) > self.door.bounds.headers:
            self._refuse()

    def on_headers_complete(self) -> None:
        """The head is there: the application is asked."""
        self._is_in_head = False
        self._head_bytes = 0
        self._count(len(self.url) + sum(len(name) + len(value) for name, value in self.headers))
        self._stop_timer()
        self.door.works(self)
        super().on_headers_complete()
        self._timer = self.loop.call_later(BODY_LOOK_S, self._look_at_body, 0)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > UNREAD_MOST and not self._is_busy:
            self.give_up("unread")
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer has gone out."""
        is_unread = self.cycle.more_body
        super().on_response_complete()
        if self._is_busy:
            return
        self.door.rests(self)
        if is_unread and not self.transport.is_closing():
            self._stop_timer()
            self._timer = self.loop.call_later(UNREAD_S, self.give_up, "unread")

    # --- inside ----------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        # uvicorn's `cycle` is None until the first request, whatever its type says.
        cycle: Any = self.cycle
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    def _count(self, size: int) -> None:
        if size > self.door.bounds.head_bytes:
            self._refuse()

    def _refuse(self) -> None:
        self._refusal = 431
        raise _Refused

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self.door.bounds.head_s, self.give_up, "slow head")

    def _look_at_body(self, before: int) -> None:
        """The body must go on, unless it is us who don't read."""
        if not self.flow.read_paused and self._body_bytes - before < BODY_RATE * BODY_LOOK_S:
            self.give_up("slow body")
            return
        self._timer = self.loop.call_later(BODY_LOOK_S, self._look_at_body, self._body_bytes)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


def crowded() -> tuple[dict[str, Any], dict[str, Any]]:
    """The two ASGI messages by which a server that has too many requests answers one more."""
    body = b'{"type":"/api/docs#limit.requests","title":"Service Unavailable","status":503,"code":"limit.requests",'
    body += b'"detail":"Too many requests at once; try again in a second.","retry_after_ms":1000}'
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"1"),
    ]
    start = {"type": "http.response.start", "status": 503, "headers": headers}
    return cast("dict[str, Any]", start), {"type": "http.response.body", "body": body}
