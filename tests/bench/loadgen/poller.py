"""Sockets on one epoll: connects, sends, hands whole frames to a callback, sends pings where nothing was sent."""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator
from typing import Any

from tests.bench.loadgen.wire import CLOSE, TEXT, split, text_frame

READ_BYTES = 64 * 1024
PING = text_frame(b'{"t":"ping"}')
SWEEP_S = 1.0
TURN_S = 0.05
IP_BIND_ADDRESS_NO_PORT = 24
"""Linux's number; Python's socket module names it from 3.12 on."""

OnFrame = Callable[[bytes], None]
Script = Generator["Connection", bytes, None]
"""One client's steps: yields the connection whose next frame it waits for; `b""` means that it is open."""


class Connection:
    """One socket. `send` takes whole frames as bytes; `on_frame` gets the payload of each text frame."""

    __slots__ = ("_poller", "_rest", "_unsent", "is_open", "on_closed", "on_frame", "sent_at", "sock", "why_closed")

    def __init__(self, poller: Poller, sock: socket.socket) -> None:
        self._poller = poller
        self._rest = b""
        self._unsent = b""
        self.sock = sock
        self.is_open = False
        self.on_frame: OnFrame = _ignore
        self.on_closed: Callable[[Connection], None] | None = None
        self.sent_at = poller.now
        self.why_closed = ""

    def send(self, frame: bytes) -> None:
        """Sends now; what the kernel doesn't take waits for room in it."""
        self.sent_at = self._poller.now
        if self._unsent:
            self._unsent += frame
            return
        try:
            taken = self.sock.send(frame)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            self._poller.gone(self, repr(error))
            return
        if taken < len(frame):
            self._unsent = frame[taken:]
            self._poller.watch(self, is_writing=True)

    def close(self) -> None:
        """Leaves without a word."""
        self._poller.gone(self, "")

    def readable(self) -> None:
        """Takes what came in."""
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._poller.gone(self, repr(error))
            return
        if not data:
            self._poller.gone(self, self.why_closed or "end of stream")
            return
        if not self.is_open:
            data = self._opened(self._rest + data)
        elif self._rest:
            data = self._rest + data
        frames, self._rest = split(data) if self.is_open else ([], data)
        for first, payload in frames:
            if first == TEXT:
                self.on_frame(payload)
            elif first == CLOSE:
                self.why_closed = f"{int.from_bytes(payload[:2])} {payload[2:].decode()}"

    def writable(self) -> None:
        """Sends what waited."""
        try:
            taken = self.sock.send(self._unsent)
        except OSError as error:
            self._poller.gone(self, repr(error))
            return
        self._unsent = self._unsent[taken:]
        if not self._unsent:
            self._poller.watch(self, is_writing=False)

    def _opened(self, data: bytes) -> bytes:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return data
        if not data.startswith(b"HTTP/1.1 101"):
            self._poller.gone(self, data[: data.find(b"\r\n")].decode())
            return b""
        self.is_open = True
        self.on_frame(b"")
        return data[end + 4 :]


class Poller:
    """All sockets of a process. `turn` waits for what comes next and deals with it."""

    def __init__(self, heartbeat_s: float = 0.0) -> None:
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._heartbeat_s = heartbeat_s
        self._swept_at = time.perf_counter()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.now = self._swept_at
        self.cut: Counter[str] = Counter()
        """Open sockets that the other side ended, by reason."""

    def __len__(self) -> int:
        """Sockets that are open or opening."""
        return len(self._connections)

    def connect(self, address: tuple[str, int], handshake: bytes, local: str = "") -> Connection:
        """A connection that is opening; `on_frame` is called with `b""` once it is."""
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own form
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local:
            # The port is chosen on connecting, so that one address serves as many sockets as it has ports.
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((local, 0))
        sock.connect_ex(address)
        connection = Connection(self, sock)
        connection._unsent = handshake
        self._connections[sock.fileno()] = connection
        self._epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
        return connection

    def watch(self, connection: Connection, *, is_writing: bool) -> None:
        """Whether to be told when there is room to send."""
        self._epoll.modify(connection.sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if is_writing else 0))

    def gone(self, connection: Connection, why: str) -> None:
        """Forgets a connection; whoever follows it is told, unless it left by itself."""
        if self._connections.pop(connection.sock.fileno(), None) is None:
            return
        if why and connection.is_open:
            self.cut[why] += 1
        connection.is_open = False
        connection.why_closed = why
        connection.sock.close()
        if why and connection.on_closed:
            connection.on_closed(connection)

    def turn(self, timeout_s: float) -> None:
        """Deals with what is there, or comes within the time."""
        events = self._epoll.poll(timeout_s, 4096)
        self.now = time.perf_counter()
        connections = self._connections
        for fd, event in events:
            connection = connections.get(fd)
            if connection is None:
                continue
            if event & select.EPOLLOUT and not event & (select.EPOLLERR | select.EPOLLHUP):
                connection.writable()
            if event & ~select.EPOLLOUT and connection.sock.fileno() == fd:
                connection.readable()
        while self._timers and self._timers[0][0] <= self.now:
            heapq.heappop(self._timers)[2]()
        if self._heartbeat_s and self.now - self._swept_at > SWEEP_S:
            self._ping()

    def later(self, at: float, call: Callable[[], None]) -> None:
        """Calls once the clock (`time.perf_counter`) has reached `at`."""
        heapq.heappush(self._timers, (at, next(self._numbers), call))

    def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Turns until it holds; False if it doesn't in time."""
        deadline = time.perf_counter() + within_s
        while not holds():
            if self.now > deadline:
                return False
            self.turn(TURN_S)
        return True

    def follow(self, script: Script, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Goes through a client's steps, each with the frame that it waited for."""
        waits_for: Connection | None = None

        def step(frame: bytes | None) -> None:
            nonlocal waits_for
            if waits_for is not None:
                waits_for.on_frame = _ignore
            try:
                waits_for = script.send(frame)  # type: ignore[arg-type]  # None begins it
            except StopIteration:
                done()
                return
            waits_for.on_frame = step
            waits_for.on_closed = lambda closed: failed(closed.why_closed)

        step(None)

    def _ping(self) -> None:
        self._swept_at = self.now
        late = self.now - self._heartbeat_s
        for connection in [each for each in self._connections.values() if each.sent_at < late and each.is_open]:
            connection.send(PING)


def _ignore(_frame: bytes) -> None:
    pass


def follow_all(poller: Poller, scripts: list[Any], at_once: int, within_s: float) -> None:
    """Goes through many scripts, some at a time. Raises RuntimeError with the first failure."""
    waiting, running = iter(scripts), 0
    failures: list[str] = []

    def begin() -> None:
        nonlocal running
        script = next(waiting, None)
        if script is not None:
            running += 1
            poller.follow(script, done, failures.append)

    def done() -> None:
        nonlocal running
        running -= 1
        begin()

    for _ in range(at_once):
        begin()
    if not poller.until(lambda: not running or bool(failures), within_s) or failures:
        msg = f"clients didn't get ready: {failures[:3] or 'too slow'}"
        raise RuntimeError(msg)
