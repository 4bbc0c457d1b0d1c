"""The client of aioimaplib, with what it lacks.

It doesn't notice a lost connection, forgets mail that is announced between commands, and leaves a refused XOAUTH2
without its answer.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from aioimaplib import IMAP4, AioImapException, Command, IMAP4ClientProtocol  # type: ignore[import-untyped]

from backbone.channel import FaultError, Retry
from backbone.outside.connect import connected

PIECE_BYTES: Final = 4096
CONNECT_S: Final = 30.0
_EXISTS: Final = re.compile(rb"\* \d+ EXISTS")

T = TypeVar("T")


class Wire(IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """Notes what aioimaplib overlooks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.news = asyncio.Event()
        """Mail was announced, by whatever response."""

        self.lost = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # A connection that a router forgot is found dead in two minutes, not at the end of IDLE.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
                if hasattr(socket, option):
                    connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)

    def data_received(self, d: bytes) -> None:
        """See asyncio.Protocol."""
        # A call for each line of what it is given, each inside the one before: thousands of short lines at once, as
        # when somebody empties the folder, would be too deep.
        for at in range(0, len(d), PIECE_BYTES):
            super().data_received(d[at : at + PIECE_BYTES])

    def send(self, line: str, scrub: str | None = None) -> None:
        """Writes a line, unless the connection is going."""
        if self.transport.is_closing():
            # Whoever waits for the answer hears that the connection is lost; to write would raise in a task of nobody.
            self.lost.set()
            return
        super().send(line, scrub)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        super().connection_lost(exc)
        self.lost.set()

    def _untagged_response(self, line: bytes) -> Any:
        if _EXISTS.match(line):
            self.news.set()
        return super()._untagged_response(line)


class Client(IMAP4):  # type: ignore[misc]  # aioimaplib has no types
    """The client over such a wire."""

    wire: Wire

    def create_client(
        self,
        host: str,
        port: int,
        loop: asyncio.AbstractEventLoop | None,
        conn_lost_cb: Any = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """See IMAP4. The host is the account's to choose: it is connected to the address that was checked."""
        del conn_lost_cb
        here = loop or asyncio.get_running_loop()
        self.protocol = self.wire = Wire(here)

        async def connect() -> Any:
            name = host if ssl_context else None
            sock = await connected(host, port, CONNECT_S)
            return await here.create_connection(lambda: self.wire, sock=sock, ssl=ssl_context, server_hostname=name)

        self._client_task = here.create_task(connect())

    async def unless_lost(self, doing: Coroutine[Any, Any, T] | asyncio.Future[T], patience_s: float | None) -> T:
        """The answer. Raises FaultError(Retry) where the connection is lost, or it takes longer than that."""
        task = asyncio.ensure_future(doing)
        lost = asyncio.ensure_future(self.wire.lost.wait())
        try:
            await asyncio.wait({task, lost}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except (AioImapException, OSError, ValueError) as failed:
            raise FaultError(Retry(), str(failed) or type(failed).__name__) from failed
        finally:
            lost.cancel()
            if not task.done():
                task.cancel()
        raise FaultError(Retry(), "the connection is lost" if self.wire.lost.is_set() else "no answer in time")

    def leave(self) -> None:
        """Breaks off."""
        for task in (*self.tasks, *self.wire.tasks, self._client_task):
            task.cancel()
        if self._idle_waiter is not None:
            self._idle_waiter.cancel()
        if self.wire.transport is not None:
            self.wire.transport.close()


class XOAuth2(Command):  # type: ignore[misc]  # aioimaplib has no types
    """AUTHENTICATE XOAUTH2, which answers the server's explanation of a refusal with an empty line."""

    def __init__(self, wire: Wire, user: str, token: str) -> None:
        proof = b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode()
        super().__init__("AUTHENTICATE", wire.new_tag(), "XOAUTH2", proof, loop=wire.loop)
        self._wire = wire
        self._answered = 0

    def flush(self) -> None:
        """Called after each continuation."""
        asked = sum(1 for line in self._resp_lines if bytes(line).startswith(b"+"))
        if asked > self._answered:
            self._answered = asked
            self._wire.send("")
