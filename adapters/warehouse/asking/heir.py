"""How a process that leaves an embedded engine's directory lets the one that waits for it take the requests first."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from adapters.warehouse.settings import SECTION, Target
from backbone.errors import TrunklineError
from backbone.nats import subjects
from backbone.nats.link import Link

WITHIN_S: Final = 2.0

_log = structlog.get_logger("warehouse.heir")


class Waiting:
    """An heir that listens until `close`."""

    def __init__(self, link: Link, subject: str, take: Callable[[], Awaitable[None]]) -> None:
        self._link = link
        self._take = take
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription = link.subscribe_raw(subject, self._called)

    def close(self) -> None:
        """It no longer waits."""
        self._link.unsubscribe_raw(self._subscription)

    def _called(self, _subject: bytes, reply: bytes, _header: bytes | None, _data: bytes) -> None:
        task = asyncio.create_task(self._answer(reply.decode()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, reply: str) -> None:
        try:
            await self._take()
            self._link.publish_raw(reply, b"{}")
        except TrunklineError as error:
            _log.warning("heir.not_ready", code=error.code)


async def wait(link: Link, where: Target, take: Callable[[], Awaitable[None]]) -> Waiting:
    """Calls `take`, which subscribes to the requests, when the holder of the directory is about to go."""
    waiting = Waiting(link, _subject(where), take)
    await link.flush()
    return waiting


async def call(link: Link, where: Target) -> None:
    """Returns once somebody else takes the requests, at once if nobody waits for this directory."""
    if not where.path or not link.is_usable:
        return
    try:
        await link.request_raw(_subject(where), b"{}", timeout_s=WITHIN_S)
    except TrunklineError as error:
        # No responders: nobody waits.
        if error.code != "log.no_responders":
            _log.warning("heir.silent", code=error.code)


def _subject(where: Target) -> str:
    """Paths are a machine's own, and so is the subject."""
    place = hashlib.sha256(f"{socket.gethostname()}:{where.path}".encode()).hexdigest()[:16]
    return subjects.rpc(f"{SECTION}-heir", "_", place)
