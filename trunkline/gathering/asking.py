"""Asks a process on its loopback port, within a deadline and a number of bytes."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

WITHIN_S: Final = 2.0
BYTES_MOST: Final = 16 * 1024 * 1024
OK: Final = 200


class Answer(NamedTuple):
    """Status and body; status 0 if there was no answer in time."""

    status: int
    body: bytes


async def ask(port: int, path: str, within_s: float = WITHIN_S) -> Answer:
    """GET; whatever goes wrong is an answer with status 0."""
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET %b HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
                return _parse(await _read(reader))
            finally:
                writer.close()
    except (OSError, ValueError):
        return Answer(0, b"")


async def _read(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await reader.read(65536):
        parts.append(part)
        size += len(part)
        if size > BYTES_MOST:
            raise ValueError("a process says more than all of its series could be")
    return b"".join(parts)


def _parse(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.") else 0, body)
