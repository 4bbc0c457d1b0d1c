"""What comes in as a file: how many at once, how many bytes a minute, and onto the disk as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from typing import IO, Final

from backbone.access import Who
from backbone.errors import TimedOutError, TooLargeError, UnavailableError
from node.entry.limits import RateByKey, refuse_for
from node.entry.quotas import Quotas
from node.settings import NodeSettings

KIB: Final = 1024
MIB: Final = 1024 * 1024
SPOOL: Final = 256 * KIB
"""Bytes of one upload in memory; what is more lies in a file without a name."""

FIRST_S: Final = 30.0
PASSED_OVER_S: Final = 5.0

RATE: Final = 16 * KIB
"""Bytes a second, after the first 30 s, below which an upload is given up."""


class Uploads:
    """The uploads of a node: counted by actor and address, their bytes by actor, address and tenant."""

    def __init__(self, settings: NodeSettings, quotas: Quotas) -> None:
        self._settings = settings
        self._quotas = quotas
        self._visitors = RateByKey(settings.upload_visitor_mib * KIB)
        self._agents = RateByKey(settings.upload_agent_mib * KIB)
        self._addresses = RateByKey(settings.upload_address_mib * KIB)
        self._tenants = RateByKey(settings.upload_tenant_mib * KIB)

    @contextlib.contextmanager
    def admitted(self, who: Who, address: str, size: int) -> Iterator[None]:
        """Counts an upload of `size` bytes in before any of them is read, and out at the end of the block.

        Raises TooManyError `limit.uploads` or `limit.rate`.
        """
        settings, actor = self._settings, f"{who.tenant}.{who.id}"
        counted = [("uploads", settings.uploads, "node"), (f"uploads.{actor}", settings.actor_uploads, "person")]
        rates = [(self._agents if who.kind == "agent" else self._visitors, actor), (self._tenants, who.tenant)]
        if self._quotas.is_counted(address):
            counted.append((f"uploads@{address}", settings.address_uploads, "address"))
            rates.append((self._addresses, address))
        with contextlib.ExitStack() as held:
            for key, most, what in counted:
                self._quotas.enter(key, most, what, "limit.uploads")
                held.callback(self._quotas.leave, key)
            kib, now, taken = size / KIB, time.monotonic(), list[tuple[RateByKey, str]]()
            for rate, key in rates:
                if wait_s := rate.take(key, now, kib):
                    for before, of in taken:
                        before.give(of, kib)
                    refuse_for(wait_s)
                taken.append((rate, key))
            yield


@contextlib.asynccontextmanager
async def spooled(chunks: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[IO[bytes]]:
    """A file that holds what comes, for as long as the block lasts.

    Raises TooLargeError `file.too_large` as soon as it passes `most_bytes`, TimedOutError `body.too_slow`,
    UnavailableError `files.full` where this machine has no room for it.
    """
    # Opening and writing block: both are a thread's work.
    with _room_here():
        file = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        size, pending = 0, bytearray()
        async with _in_time(most_bytes):
            async for chunk in chunks:
                size += len(chunk)
                if size > most_bytes:
                    raise TooLargeError(
                        "file.too_large", f"Files may have {most_bytes // MIB} MiB at most.", field="body"
                    )
                pending += chunk
                if len(pending) >= SPOOL:
                    with _room_here():
                        await asyncio.to_thread(file.write, bytes(pending))
                    pending.clear()
        if pending:
            with _room_here():
                await asyncio.to_thread(file.write, bytes(pending))
        yield file
    finally:
        await asyncio.to_thread(file.close)


@contextlib.asynccontextmanager
async def _in_time(size: int) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(FIRST_S + size / RATE):
            yield
    except TimeoutError:
        raise TimedOutError("body.too_slow", "The upload came too slowly; try again.") from None


def content_of(file: IO[bytes]) -> bytes:
    """All of a spooled file."""
    file.seek(0)
    return file.read()


async def passed_over(chunks: AsyncIterator[bytes], most_bytes: int) -> None:
    """Takes in what a client still sends of a body that is refused, for a moment and without keeping it.

    A connection that is closed with bytes unread is reset, and the client never sees the refusal.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PASSED_OVER_S):
            async for chunk in chunks:
                most_bytes -= len(chunk)
                if most_bytes < 0:
                    return


@contextlib.contextmanager
def _room_here() -> Iterator[None]:
    """What finds no room on this machine's disk is refused, and is no error of ours."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise UnavailableError(
            "files.full", "This node's disk has no room for files now.", retry_after_ms=5000
        ) from error
