"""The disk of the log, as far as a process can know it: what there is no room for is refused before the disk is full.

nats-server keeps the error of a write that found no room for as long as it runs, and doesn't answer the one who sent:
every message of that stream timed out, also after there was room again. So it must not come to that (back-pressure by
watermarks), and where another program fills the disk within a second, whoever started nats-server starts it again.

A process on the server's machine looks itself (`log_dir`). Others are told over NATS, once a second, by `trunkline nats
run` beside each server; of several servers as many must be full as their streams can't do without.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from msgspec import Struct

from backbone import space
from backbone.errors import UnavailableError
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.space import RoomLeft, Space

if TYPE_CHECKING:
    from backbone.log import Log
    from backbone.settings import Common

LOOK_S: Final = 0.5
TOLD_FOR_S: Final = 10.0
SERVERS_MOST: Final = 100
RETRY_MS: Final = 5_000

_RANK: Final[dict[RoomLeft, int]] = {"ok": 0, "low": 1, "full": 2}

_log = structlog.get_logger("backbone.process.disk")


class DiskTold(Struct, frozen=True, kw_only=True):
    """What is told of one server's disk: bytes, and what there is room for by the marks of its machine."""

    server: str
    free: int
    total: int
    room: RoomLeft


_decode = msgspec.json.Decoder(DiskTold).decode


class Disk:
    """Knows what there is room for; `run` keeps it up to date."""

    def __init__(self, link: Link, common: Common) -> None:
        self._link = link
        self._marks = common.disk_marks()
        self._folder = Path(common.log_dir) if common.log_dir else None
        self._here: RoomLeft = "ok"
        self._told: dict[str, tuple[float, DiskTold]] = {}
        self._logs: weakref.WeakSet[Log] = weakref.WeakSet()
        self.room: RoomLeft = "ok"
        self.space: Space | None = None
        """The disk of the log where it is on this machine."""

    def guard(self, log: Log) -> None:
        """`log` refuses with `log.full` while there is no room."""
        self._logs.add(log)
        self._tell(log)

    def problem(self) -> str | None:
        """None unless messages are refused; else a sentence, as readiness wants it."""
        if self.room != "full":
            return None
        return f"The disk of the log is nearly full ({self._words()}): messages are refused until there is room."

    def check_files(self) -> None:
        """Raises UnavailableError `files.full` where files are no longer taken, so that messages still are."""
        if self.room != "ok":
            raise UnavailableError(
                "files.full",
                f"The disk of the log has little room left ({self._words()}): no files are taken until there is more.",
                retry_after_ms=RETRY_MS,
            )

    async def run(self) -> None:
        """Looks and listens until cancelled."""
        await self._link.is_open.wait()
        self._link.subscribe_raw(subjects.DISK_TOLD, self._heard)
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One look at the disk, and at what was told."""
        if self._folder is not None:
            try:
                # A file system that is away keeps whoever looks waiting.
                self.space = await asyncio.to_thread(space.look, self._folder)
                self._here = space.room(self._here, self.space, self._marks)
            except OSError as error:
                _log.warning("disk.unreadable", folder=str(self._folder), error=error.strerror)
        before, self.room = self.room, self._worst()
        if before != self.room:
            _log.warning("disk.room", room=self.room, before=before, disk=self._words())
            for log in self._logs:
                self._tell(log)

    def _heard(self, _subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        told = _decode(data)
        if told.server in self._told or len(self._told) < SERVERS_MOST:
            self._told[told.server] = (time.monotonic(), told)

    def _worst(self) -> RoomLeft:
        since = time.monotonic() - TOLD_FOR_S
        self._told = {server: one for server, one in self._told.items() if one[0] > since}
        rooms = sorted((one.room for _, one in self._told.values()), key=_RANK.__getitem__, reverse=True)
        # Of three servers one may be full: the other two store what is written.
        told: RoomLeft = rooms[len(rooms) // 2] if rooms else "ok"
        return max(self._here, told, key=_RANK.__getitem__)

    def _words(self) -> str:
        spaces = [Space(one.free, one.total) for _, one in self._told.values()]
        spaces += [self.space] if self.space else []
        return str(min(spaces)) if spaces else "unknown"

    def _tell(self, log: Log) -> None:
        if self.room == "full":
            log.hold(
                "disk",
                UnavailableError(
                    "log.full", "The disk of the log is nearly full; nothing was stored.", retry_after_ms=RETRY_MS
                ),
            )
        else:
            log.release("disk")
