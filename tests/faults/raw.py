"""A WebSocket by hand: frames that no library would send, over a plain TCP connection."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

from tests.harness.processes import Process

TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10
WITHIN_S = 30.0
_MASK = b"\x11\x22\x33\x44"


class Frame(NamedTuple):
    """One frame as it came."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """Of a close frame."""
        return int(struct.unpack(">H", self.payload[:2])[0])


class Raw:
    """One connection after its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Bytes as they are; who was cut off meanwhile is told by `receive`."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()
        # A drain that needn't wait gives nobody else a turn, so that who sends without end would never read.
        await asyncio.sleep(0)

    async def receive(self, within_s: float = WITHIN_S) -> Frame:
        """The next frame. Raises TimeoutError, asyncio.IncompleteReadError or ConnectionError at the end."""
        async with asyncio.timeout(within_s):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                size = struct.unpack(">H", await self.reader.readexactly(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", await self.reader.readexactly(8))[0]
            return Frame(first & 0x0F, await self.reader.readexactly(size))

    async def closed_with(self, within_s: float = WITHIN_S) -> int:
        """The code of the close frame that comes in the end; 1006 if the connection ends without one."""
        try:
            while (frame := await self.receive(within_s)).opcode != CLOSE:
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006
        return frame.close_code


def frame(opcode: int, payload: bytes, *, fin: bool = True, declared: int | None = None) -> bytes:
    """A client's frame, masked; `declared` says another length than it has."""
    size = len(payload) if declared is None else declared
    head = bytes([opcode | (0x80 if fin else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", size)
    mask = (_MASK * (len(payload) // 4 + 1))[: len(payload)]
    masked = (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(len(payload))
    return head + _MASK + masked


def request(node: Process, cookie: str = "") -> bytes:
    """The handshake, as the page of somebody who is signed in if there is a cookie."""
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: 127.0.0.1:{node.port}",
        f"Origin: {node.http}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: trunkline.v1",
        *([f"Cookie: {cookie}"] if cookie else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@contextlib.asynccontextmanager
async def dialled(node: Process, cookie: str = "") -> AsyncIterator[Raw]:
    """A connection to a node, upgraded."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(request(node, cookie))
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101"), answer
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
