"""Files on a real node: who uploads how much, and that neither way holds up messages."""

from __future__ import annotations

import asyncio
import io
import os
import time
import urllib.parse

import pytest
from PIL import Image

from backbone.files import pictures
from tests.bench.memory import rss_kb
from tests.harness.raw_http import dialling
from tests.harness.system import LIN, System
from trunkline import rest
from trunkline.client import Client

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
DOWNLOADS = 8


def _request(system: System, head: str) -> bytes:
    return f"{head}\r\nHost: 127.0.0.1:{system.nodes[0].port}\r\n\r\n".encode()


async def _status(reader: asyncio.StreamReader) -> int:
    async with asyncio.timeout(30):
        line = await reader.readline()
    return int(line.split()[1]) if line else 0


async def _code(reader: asyncio.StreamReader) -> bytes:
    """The code of the problem that is answered."""
    async with asyncio.timeout(30):
        await reader.readuntil(b'"code":"')
        return (await reader.readuntil(b'"'))[:-1]


def _upload_head(token: str, size: int) -> str:
    return (
        f"POST /api/v1/files?name=a.bin HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {size}"
    )


async def _send_in_time(client: Client, conv: str, times: int) -> float:
    """The longest that a message waited for its acknowledgement, in seconds."""
    longest = 0.0
    for n in range(times):
        began = time.monotonic()
        await client.send(f"line {n}", conv)
        longest = max(longest, time.monotonic() - began)
    return longest


async def test_eight_downloads_of_a_large_file_hold_up_nobody(system: System) -> None:
    """They came by the line of messages, and NATS cut the node off as a slow consumer: all got log.unavailable."""
    node = system.nodes[0]
    agent, visitor = system.agent(LIN, nodes=[node]), system.visitor(nodes=[node])
    content = os.urandom(20 * MIB)
    async with agent.running(), visitor.running(), dialling(node.port) as dial:
        conv = str((await visitor.send("你好"))["conv"])
        saved = await asyncio.to_thread(
            rest.upload, node.http, "a.bin", content, "application/octet-stream", cookie=agent.cookie
        )
        assert saved.status == 201, saved
        sent = await agent.send("here it is", conv, attachments=[saved.body["file"]])
        asked = f"GET /api/v1/conversations/{conv}/files/{sent['seq']}/0 HTTP/1.1\r\nCookie: {agent.cookie}"
        reader, _ = await dial(_request(system, asked))
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        place = next(line for line in head.splitlines() if line.lower().startswith("location:")).split(": ", 1)[1]
        path = urllib.parse.urlsplit(place).path
        drops = _disconnects(system)
        downloads = [(await dial(_request(system, f"GET {path} HTTP/1.1")))[0] for _ in range(DOWNLOADS)]
        assert [await _status(reader) for reader in downloads] == [200] * DOWNLOADS
        longest = await _send_in_time(visitor, conv, 50)
        taken = await asyncio.gather(*(_body(reader) for reader in downloads[1:]))
        assert all(one == content for one in taken)
    assert longest < 5
    assert _disconnects(system) == drops


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The body of a chunked answer."""
    async with asyncio.timeout(60):
        await reader.readuntil(b"\r\n\r\n")
        parts: list[bytes] = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        return b"".join(parts)


def _disconnects(system: System) -> int:
    return system.nodes[0].log.read_text().count("nats.disconnected")


async def test_a_picture_has_a_small_one_at_its_link_and_nothing_else_has(system: System) -> None:
    """Platforms that fetch files by their address want one that is shown before."""
    node = system.nodes[0]
    agent, visitor = system.agent(LIN, nodes=[node]), system.visitor(nodes=[node])
    large = io.BytesIO()
    Image.effect_noise((2000, 1000), 200).save(large, "PNG")
    async with agent.running(), visitor.running(), dialling(node.port) as dial:
        conv = str((await visitor.send("hello"))["conv"])
        for content, status in ((large.getvalue(), 200), (b"no picture at all", 404)):
            saved = await asyncio.to_thread(
                rest.upload, node.http, "a", content, "application/octet-stream", cookie=agent.cookie
            )
            sent = await agent.send("here", conv, attachments=[saved.body["file"]])
            asked = f"GET /api/v1/conversations/{conv}/files/{sent['seq']}/0 HTTP/1.1\r\nCookie: {agent.cookie}"
            reader, _ = await dial(_request(system, asked))
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            place = next(line for line in head.splitlines() if line.lower().startswith("location:")).split(": ", 1)[1]
            path = urllib.parse.urlsplit(place).path
            reader, _ = await dial(_request(system, f"GET {path}/preview HTTP/1.1"))
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert int(head.split()[1]) == status
            if status == 200:
                length = int(next(line for line in head.splitlines() if line.startswith("content-length:")).split()[1])
                assert pictures.measure(await reader.readexactly(length)) == ("image/jpeg", 640, 320)
        reader, _ = await dial(_request(system, "GET /files/forged/preview HTTP/1.1"))
        assert await _status(reader) == 404


async def test_bytes_a_minute_are_bounded_before_any_is_read(system: System) -> None:
    token, _ = rest.become_visitor(system.nodes[0].http, "web")
    content = os.urandom(20 * MIB)
    for _ in range(3):
        answer = await asyncio.to_thread(
            rest.upload, system.nodes[0].http, "a.bin", content, "application/octet-stream", token=token
        )
        assert answer.status == 201
    async with dialling(system.nodes[0].port) as dial:
        reader, _ = await dial(_request(system, _upload_head(token, 20 * MIB)))
        assert await _status(reader) == 429
        assert await _code(reader) == b"limit.rate"
    other, _ = rest.become_visitor(system.nodes[0].http, "web")
    assert rest.upload(system.nodes[0].http, "a.txt", b"hello", "text/plain", token=other).status == 201


async def test_uploads_of_one_person_at_once_are_bounded_and_slow_ones_cost_no_memory(system: System) -> None:
    """25 slow uploads held 296 MiB."""
    node = system.nodes[0]
    tokens = [rest.become_visitor(node.http, "web")[0] for _ in range(5)]
    part = b"x" * (4 * MIB)
    before = rss_kb(node.pid)
    async with dialling(node.port) as dial:
        for token in tokens:
            for _ in range(6):
                _, writer = await dial(_request(system, _upload_head(token, 8 * MIB)) + part)
                await writer.drain()
        reader, _ = await dial(_request(system, _upload_head(tokens[0], 100)))
        assert await _status(reader) == 429
        assert await _code(reader) == b"limit.uploads"
        assert rss_kb(node.pid) - before < 60 * 1024
