"""What somebody without any right sends to a node, and that nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.harness.raw_http import dialling
from tests.harness.system import System
from trunkline import rest

pytestmark = pytest.mark.anyio

SILENT = 1005


async def _answer(port: int, sent: bytes) -> bytes:
    answer = b""
    async with dialling(port) as dial:
        with contextlib.suppress(ConnectionError, TimeoutError):
            reader, writer = await dial(sent)
            await writer.drain()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(20):
                answer = await reader.readline()
    return answer


async def test_a_callback_of_a_megabyte_with_a_header_of_another_costs_no_connection(system: System) -> None:
    """One unauthenticated request passed NATS's max_payload, and the node answered 503 until somebody restarted it."""
    node = system.nodes[0]
    body = b"x" * (1024 * 1024)
    head = (
        f"POST /hooks/web/web HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nX-Long: {'y' * 1_000_000}\r\n\r\n"
    )
    assert (await _answer(node.port, head.encode() + body)).split()[1:2] in ([b"431"], [])
    assert node.ready()[0] == 200
    assert "nats.disconnected" not in node.log.read_text()
    for path in ("web/web", "nothing/web", "api/web", "web/nothing"):
        assert rest.call("POST", f"{node.http}/hooks/{path}", b"x").status == 401
    head = f"POST /hooks/web/web HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body) + 1}\r\n\r\n"
    assert (await _answer(node.port, head.encode() + body + b"x")).split()[1:2] in ([b"401"], [b"413"], [])
    assert node.ready()[0] == 200


@pytest.mark.rest
async def test_silent_connections_keep_nobody_out_and_end(system: System) -> None:
    """1,005 connections that said nothing made everything answer 503, health included."""
    node = system.nodes[0]
    async with dialling(node.port) as dial:
        silent = [await dial(b"") for _ in range(SILENT)]
        assert node.ready()[0] == 200
        assert rest.call("GET", f"{node.http}/api/v1/inboxes/web/widget").status == 200
        async with system.visitor(nodes=[node]).running() as visitor:
            await visitor.send("hello")
        async with asyncio.timeout(40):
            for reader, _ in silent:
                with contextlib.suppress(ConnectionError):
                    await reader.read()


async def test_a_header_without_end_is_refused(system: System) -> None:
    node = system.nodes[0]
    head = b"GET / HTTP/1.1\r\nX-Long: " + b"y" * (4 * 1024 * 1024)
    assert (await _answer(node.port, head)).split()[1:2] in ([b"431"], [])
    assert node.ready()[0] == 200
