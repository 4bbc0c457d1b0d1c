"""What strangers may hold of a server, with raw sockets against a real one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from backbone.serving import http
from backbone.serving.bounds import UNREAD_MOST, Bounds, Door

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
BOUNDS = Bounds(connections=6, address_connections=4, requests=2, head_bytes=8192, headers=20, head_s=0.5)
UPGRADE = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Server(NamedTuple):
    """A server within small bounds; requests to /held end when `release` is set."""

    port: int
    release: asyncio.Event
    held: list[None]
    writers: list[asyncio.StreamWriter]

    async def connect(self, sent: bytes = b"", source: str = "127.0.0.1") -> Peer:
        """A connection from an address of this machine."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        self.writers.append(writer)
        writer.write(sent)
        return Peer(reader, writer)


class Peer(NamedTuple):
    """The other side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def status(self) -> int:
        """Of the next answer; 0 if the connection ends first."""
        try:
            async with asyncio.timeout(10):
                line = await self.reader.readline()
        except ConnectionError:
            return 0
        return int(line.split()[1]) if line else 0

    async def is_closed(self) -> bool:
        """Whether it comes to its end within 10 s."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                await self.reader.read()
        return True


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    release, held = asyncio.Event(), list[None]()

    async def quick(_request: Request) -> Response:
        return PlainTextResponse("here")

    async def holding(_request: Request) -> Response:
        held.append(None)
        await release.wait()
        return PlainTextResponse("held")

    app = Starlette(
        routes=[Route("/", quick, methods=["GET", "POST"]), Route("/held", holding)],
    )
    # Addresses from 127.0.1.0 on stand for those that tell one client from others.
    door = Door(BOUNDS, lambda address: address if address.startswith("127.0.1.") else "")
    serving = http.serve(app, "127.0.0.1", 0, door=door)
    server = Server(serving.port, release, held, [])
    yield server
    release.set()
    for writer in server.writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    await serving.stop()


async def test_silent_connections_keep_nobody_out(server: Server) -> None:
    """1,005 connections that said nothing made all of HTTP answer 503, health included."""
    silent = [await server.connect() for _ in range(40)]
    for _ in range(10):
        assert await (await server.connect(GET)).status() == 200
    for one in silent:
        assert await one.is_closed()


async def test_half_a_request_ends_in_time(server: Server) -> None:
    half = await server.connect(b"GET / HTTP/1.1\r\nHost: he")
    assert await half.is_closed()
    kept = await server.connect(GET)
    assert await kept.status() == 200
    kept.writer.write(b"GET / HT")
    assert await kept.is_closed()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", id="address"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", id="one field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 21 + b"\r\n", id="fields"),
        pytest.param(b"GET / HTTP/1.1\r\n" + (b"X: " + b"a" * 900 + b"\r\n") * 10 + b"\r\n", id="together"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 9000, id="without end"),
        pytest.param(
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
            id="handshake",
        ),
    ],
)
async def test_a_large_head_is_refused(server: Server, head: bytes) -> None:
    large = await server.connect(head)
    assert await large.status() == 431
    assert await large.is_closed()
    assert await (await server.connect(GET)).status() == 200


async def test_a_large_body_beside_a_small_head_is_none_of_its(server: Server) -> None:
    body = b"x" * 20_000
    sent = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert await (await server.connect(sent)).status() == 200


async def test_a_body_that_nobody_wants_any_more_ends_the_connection(server: Server) -> None:
    endless = await server.connect(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 999999999\r\n\r\n")
    assert await endless.status() == 200
    with contextlib.suppress(ConnectionError):
        for _ in range(UNREAD_MOST // MIB + 8):
            endless.writer.write(b"x" * MIB)
            await endless.writer.drain()
    assert await endless.is_closed()


async def test_requests_are_counted_and_not_connections(server: Server) -> None:
    held = [await server.connect(b"GET /held HTTP/1.1\r\nHost: here\r\n\r\n") for _ in range(2)]
    async with asyncio.timeout(10):
        while len(server.held) < 2:
            await asyncio.sleep(0.01)
    assert await (await server.connect(GET)).status() == 503
    server.release.set()
    assert [await one.status() for one in held] == [200, 200]
    assert await (await server.connect(GET)).status() == 200


async def test_who_is_answered_is_not_closed_for_others_and_one_address_has_its_share(server: Server) -> None:
    held = [await server.connect(b"GET /held HTTP/1.1\r\nHost: here\r\n\r\n", "127.0.1.1") for _ in range(2)]
    async with asyncio.timeout(10):
        while len(server.held) < 2:
            await asyncio.sleep(0.01)
    silent = [await server.connect(source="127.0.1.1") for _ in range(10)]
    for one in silent[:8]:
        assert await one.is_closed()
    server.release.set()
    assert [await one.status() for one in held] == [200, 200]
