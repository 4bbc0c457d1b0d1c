"""Serves an ASGI application in the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

import structlog
import uvicorn

from backbone.errors import TrunklineError
from backbone.serving import requests as http_requests
from backbone.serving.bounds import Bounded, Bounds, Door, crowded

LEAVE_LOOK_S: Final = 0.05
TICK_S: Final = 0.1
TICKS_A_DAY: Final = 864_000
"""uvicorn's own; it does some work each tenth tick."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: `service.run` decides when to leave, and then it waits for nothing else."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_asked = asyncio.Event()

    def exit(self) -> None:
        """Ends now, not at the next tick."""
        self.should_exit = True
        self._is_asked.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        tick = 0
        while not await self.on_tick(tick):
            tick = (tick + 1) % TICKS_A_DAY
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._is_asked.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Those that their clients have closed just now are told so in this turn of the loop.
        await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for sock in sockets or ():
            sock.close()


class PortError(TrunklineError):
    """An address can't be listened on; the message says which, why and what to do."""

    code = "process.port_taken"


class Protocols(NamedTuple):
    """What uvicorn speaks on a connection, before and after it asks for a WebSocket."""

    http: type[Bounded]
    websocket: type[asyncio.Protocol]


class Serving:
    """A server that runs until `stop`."""

    def __init__(
        self,
        app: Any,
        sock: socket.socket,
        *,
        door: Door,
        protocols: Protocols | None,
        proxies: Sequence[str],
    ) -> None:
        self._sock = sock
        self._app = app
        self._most_requests = door.bounds.requests
        self._requests = 0
        self._is_leaving = False
        self._server = _Server(
            uvicorn.Config(
                self._serve,
                interface="asgi3",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                http=cast("Any", functools.partial(protocols.http if protocols else Bounded, door)),
                ws=protocols.websocket if protocols else "none",
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                ws_ping_timeout=None,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=[p.strip() for p in proxies if p.strip()],
            )
        )
        self._task = asyncio.create_task(self._server.serve([sock]), name="http.serve")

    @property
    def port(self) -> int:
        """The port that was bound, also where 0 was asked for."""
        port: int = self._sock.getsockname()[1]
        return port

    async def leave(self, within_s: float) -> None:
        """Takes no further connection; returns when none is left, or after `within_s`.

        Who waits in the queue of a socket that others hold as well is taken by them. Who is here already is
        answered, and told that it was the last answer: a connection that was taken in a moment ago has its request
        on the way, and closing it now would lose that.
        """
        self._is_leaving = True
        if self._server.started:
            for server in self._server.servers:
                server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                # At least once: one that was taken in this very turn isn't counted yet.
                await asyncio.sleep(LEAVE_LOOK_S)
                while self._server.server_state.connections:  # noqa: ASYNC110 - they end one by one
                    await asyncio.sleep(LEAVE_LOOK_S)

    async def stop(self) -> None:
        """Stops accepting, lets requests finish for 5 s, ends."""
        self._server.exit()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        status = 0

        async def last(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", request.encode())]
                if self._is_leaving:
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        # Ours and never one that a client names. Each request is a task, so that nothing else is logged under it.
        request = secrets.token_hex(6)
        structlog.contextvars.bind_contextvars(request=request)
        if self._requests >= self._most_requests:
            for message in crowded():
                await last(message)
            http_requests.count(scope, status, began)
            return
        self._requests += 1
        try:
            await self._app(scope, receive, last)
        finally:
            self._requests -= 1
            http_requests.count(scope, status, began)


def serve(
    app: Any,
    host: str,
    port: int,
    *,
    fd: int | None = None,
    door: Door | None = None,
    protocols: Protocols | None = None,
    proxies: Sequence[str] = (),
    fix: str = "",
) -> Serving:
    """Binds now and serves from the next turn of the loop on.

    Raises PortError, with the `fix`, if the port is taken or can't be had.

    `fd` is a listening socket handed down by a parent, in place of host and port. `protocols` are uvicorn's `http` and
    `ws`; without them there are no WebSockets. `door` bounds what strangers may hold; `proxies` are the addresses whose
    X-Forwarded-For is believed.
    """
    if fd is not None:
        sock = socket.socket(fileno=fd)
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as taken:
            sock.close()
            raise PortError(message=f"{host}:{port} can't be used: {taken.strerror}. {fix}".rstrip()) from taken
        sock.listen(4096)
    sock.setblocking(False)  # noqa: FBT003 - the socket module's own form
    return Serving(app, sock, door=door or Door(Bounds()), protocols=protocols, proxies=proxies)


def bound_to(fd: int) -> str:
    """The address that a listening socket handed down by a parent is bound to."""
    with socket.socket(fileno=os.dup(fd)) as sock:
        address: str = sock.getsockname()[0]
        return address
