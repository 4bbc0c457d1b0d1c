"""What `up` tells of its children (trunkline/up/telling.py), read from standard input."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

LINE_MOST: Final = 1024 * 1024


class Process(Struct, frozen=True):
    """A child: `pid` 0 while it doesn't run, `port` 0 while it has told none; only one that `reports` is asked."""

    name: str
    pid: int = 0
    port: int = 0
    reports: bool = False
    restarts: int = 0


class Told(Struct, frozen=True):
    """All children that are kept running. Fields are only added: a newer `up` may tell more."""

    processes: tuple[Process, ...] = ()


_decode = msgspec.json.Decoder(Told).decode


async def follow(take: Callable[[Told], None]) -> None:
    """Calls `take` with each line, until whoever tells is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_MOST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        take(_decode(line))
