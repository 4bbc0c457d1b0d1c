"""A TCP proxy that can cut, stall, slow and refuse: put between any two processes of a system.

One thread with a loop of its own carries all wires, so that a test may block while bytes go on. `up` is from who
connected to whom they reached, `down` the way back.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

T = TypeVar("T")

Way = Literal["up", "down"]
WAYS: tuple[Way, ...] = ("up", "down")
CALL_WITHIN_S = 10.0
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST and throws away what waits."""


class Passed(NamedTuple):
    """What a wire has carried and done so far; `held` are bytes that it holds back while slow."""

    connections: int
    open: int
    up: int
    down: int
    cuts: int
    cuts_mid_frame: int


class Wire:
    """One listening port before one target. Its methods may be called from any thread, and are done on return."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: tuple[str, int], window_bytes: int = 0) -> None:
        self._loop = loop
        self._target = target
        self._window_bytes = window_bytes
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._counts = dict.fromkeys(Passed._fields, 0)
        self._dialling: set[asyncio.Task[None]] = set()
        self.stalled: frozenset[Way] = frozenset()
        self.bytes_per_s = 0
        self.tear: Way | None = None
        self.port = 0

    @property
    def passed(self) -> Passed:
        """The counts as they are now."""
        return self._do(lambda: Passed(**{**self._counts, "open": len(self._pairs)}))

    def cut(self, *, reset: bool = True) -> int:
        """Ends every connection, by RST or by FIN; returns how many there were."""
        return self._do(lambda: self._cut(reset=reset))

    def cut_mid_frame(self, way: Way) -> None:
        """The next bytes that way get through by half, then the connection ends by RST."""
        self._do(lambda: setattr(self, "tear", way))

    def stall(self, *ways: Way) -> None:
        """Nothing gets through these ways any more, and nobody is told: half-open. No ways: both."""
        self._do(lambda: self._set(frozenset(ways or WAYS), 0))

    def slow(self, bytes_per_s: int) -> None:
        """Each connection carries so much a second each way."""
        self._do(lambda: self._set(frozenset(), bytes_per_s))

    def heal(self) -> None:
        """Everything flows again, what was held first; refused connections are taken again."""
        self._do(lambda: self._set(frozenset(), 0))
        self._do(lambda: setattr(self, "tear", None))
        self._wait(self.listen())

    def say(self, data: bytes) -> int:
        """Bytes that nobody sent, to the target of every connection; returns how many there were."""
        return self._do(lambda: self._say(data))

    def refuse(self) -> None:
        """Ends every connection and refuses new ones."""
        self._do(lambda: (self._deafen(), self._cut(reset=True)))

    # --- in the loop ----------------------------------------------------------------------------

    async def listen(self) -> None:
        """Takes connections, on the same port as before."""
        if self._server is not None:
            return
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self.port))
        self.port = int(sock.getsockname()[1])
        self._server = await self._loop.create_server(lambda: _Side(_Pair(self), "up"), sock=sock, backlog=4096)

    async def close(self) -> None:
        """For good."""
        self._deafen()
        self._cut(reset=True)
        for task in self._dialling:
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        async with asyncio.timeout(CALL_WITHIN_S):
            while self._pairs:
                await asyncio.sleep(0.005)

    def dial(self, pair: _Pair) -> None:
        """Somebody connected: reach the target for them, or end them as the target's silence would."""
        self._counts["connections"] += 1
        self._pairs.add(pair)
        task = self._loop.create_task(self._dial(pair))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    def carried(self, way: Way, size: int) -> None:
        """Count what got through."""
        self._counts[way] += size

    def torn(self) -> None:
        """A cut in the middle of a frame was made."""
        self.tear = None
        self._counts["cuts_mid_frame"] += 1

    def forget(self, pair: _Pair) -> None:
        """A pair has ended."""
        self._pairs.discard(pair)

    async def _dial(self, pair: _Pair) -> None:
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own form
        if self._window_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window_bytes)
        try:
            async with asyncio.timeout(5):
                await self._loop.sock_connect(sock, self._target)
                await self._loop.create_connection(lambda: _Side(pair, "down"), sock=sock)
        except (OSError, TimeoutError):
            sock.close()
            pair.end(reset=True)

    def _set(self, stalled: frozenset[Way], bytes_per_s: int) -> None:
        self.stalled, self.bytes_per_s = stalled, bytes_per_s
        for pair in list(self._pairs):
            pair.obey()

    def _cut(self, *, reset: bool) -> int:
        pairs = list(self._pairs)
        self._counts["cuts"] += len(pairs)
        for pair in pairs:
            pair.end(reset=reset)
        return len(pairs)

    def _say(self, data: bytes) -> int:
        sides = [pair.sides["down"] for pair in self._pairs if "down" in pair.sides]
        for side in sides:
            side.transport.write(data)
        return len(sides)

    def _deafen(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _do(self, act: Callable[[], T]) -> T:
        async def now() -> T:
            return act()

        return self._wait(now())

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_WITHIN_S)


class _Pair:
    """The two sockets of one connection; `sides` by the way on which each one's bytes arrive."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.sides: dict[Way, _Side] = {}
        self.is_over = False
        self._lost = 0

    def made(self, side: _Side) -> None:
        self.sides[side.way] = side
        if self.is_over:
            side.end(reset=True)
        elif side.way == "up":
            side.pause("alone")
            self.wire.dial(self)
        else:
            self.sides["up"].resume("alone")
        self.obey()

    def obey(self) -> None:
        """The wire's state was changed."""
        for way, side in self.sides.items():
            if way in self.wire.stalled:
                side.pause("stalled")
            else:
                side.resume("stalled")

    def pass_on(self, side: _Side, data: bytes) -> None:
        """Bytes came in on one side."""
        wire, other = self.wire, self.other(side)
        if other is None:
            return
        if wire.tear == side.way and len(data) > 1:
            other.transport.write(data[: len(data) // 2])
            wire.torn()
            # What was written must be on its way before the reset throws it away.
            side.loop.call_later(0.01, lambda: self.end(reset=True))
            side.pause("torn")
            return
        wire.carried(side.way, len(data))
        if wire.bytes_per_s:
            side.pause("slow")
            side.loop.call_later(len(data) / wire.bytes_per_s, self._late, side, data)
        else:
            other.transport.write(data)

    def other(self, side: _Side) -> _Side | None:
        """The socket at the other end."""
        return self.sides.get("down" if side.way == "up" else "up")

    def end(self, *, reset: bool) -> None:
        """Ends both sockets."""
        self.is_over = True
        for side in self.sides.values():
            side.end(reset=reset)

    def lost(self, *, reset: bool) -> None:
        """One socket is gone; so goes the other, and the pair after both."""
        self.end(reset=reset)
        self._lost += 1
        if self._lost == len(self.sides):
            self.wire.forget(self)

    def _late(self, side: _Side, data: bytes) -> None:
        other = self.other(side)
        if other is not None and not self.is_over:
            other.transport.write(data)
            side.resume("slow")


class _Side(asyncio.Protocol):
    """One socket: reads while nothing speaks against it."""

    transport: asyncio.Transport

    def __init__(self, pair: _Pair, way: Way) -> None:
        self.way = way
        self.loop = asyncio.get_running_loop()
        self._pair = pair
        self._against: set[str] = set()
        self._is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pair.made(self)

    def data_received(self, data: bytes) -> None:
        self._pair.pass_on(self, data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._pair.lost(reset=exc is not None)

    def pause_writing(self) -> None:
        if other := self._pair.other(self):
            other.pause("full")

    def resume_writing(self) -> None:
        if other := self._pair.other(self):
            other.resume("full")

    def pause(self, why: str) -> None:
        """Reads nothing more until each reason is gone."""
        if not self._against and not self.transport.is_closing():
            self.transport.pause_reading()
        self._against.add(why)

    def resume(self, why: str) -> None:
        """One reason is gone."""
        was_held = bool(self._against)
        self._against.discard(why)
        if was_held and not self._against and not self.transport.is_closing():
            self.transport.resume_reading()

    def end(self, *, reset: bool) -> None:
        """Closes; with RST nothing that waits goes out."""
        if reset:
            if self._is_lost:
                return
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.close()


class Proxy:
    """All wires of a test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.wires: dict[str, Wire] = {}

    def wire(self, name: str, target: tuple[str, int], window_bytes: int = 0) -> Wire:
        """A new wire to `target`; it listens on `port` from now on.

        `window_bytes`: how much the target may send that isn't taken; without it, what the system allows.
        """
        wire = Wire(self._loop, target, window_bytes)
        asyncio.run_coroutine_threadsafe(wire.listen(), self._loop).result(CALL_WITHIN_S)
        self.wires[name] = wire
        return wire

    def end(self) -> None:
        """Ends every wire."""
        for wire in self.wires.values():
            asyncio.run_coroutine_threadsafe(wire.close(), self._loop).result(CALL_WITHIN_S)


@contextlib.contextmanager
def running_proxy() -> Iterator[Proxy]:
    """A proxy in a thread of its own, for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    proxy = Proxy(loop)
    try:
        yield proxy
    finally:
        proxy.end()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CALL_WITHIN_S)
        loop.close()
