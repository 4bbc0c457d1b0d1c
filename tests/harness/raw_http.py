"""Raw connections of a test that end with it: one that still writes as its loop ends is a fault of uvloop's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

Dial = Callable[[bytes], Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@contextlib.asynccontextmanager
async def dialling(port: int) -> AsyncIterator[Dial]:
    """Makes connections to a port of this machine, each of which sends some bytes; all are gone after the block."""
    writers: list[asyncio.StreamWriter] = []

    async def dial(sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        if sent:
            writer.write(sent)
        return reader, writer

    try:
        yield dial
    finally:
        for writer in writers:
            writer.transport.abort()
        for writer in writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()
