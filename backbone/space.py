"""Room on a disk, and when there is too little: pure rules, one look at a file system. Standard library alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, Literal, NamedTuple

MIB: Final = 1024**2
LOW_LEAST: Final = 64 * MIB
FULL_LEAST: Final = 32 * MIB
"""At 12,000 messages a second 12 MB come within a second, and what the server writes by itself comes besides."""

AGAIN: Final = 1.25
"""Times a mark must be free before it counts as passed again, so that nothing flutters."""

RoomLeft = Literal["ok", "low", "full"]
"""Room for everything; none for files; none for messages either."""


class Space(NamedTuple):
    """A file system as it is now, in bytes. `free` is what an ordinary user may still write."""

    free: int
    total: int

    @property
    def free_percent(self) -> float:
        """Of the whole."""
        return 100 * self.free / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.free / MIB:,.0f} MiB free, {self.free_percent:.1f} %"


class Marks(NamedTuple):
    """Below which a disk is low and full: the smaller of percent and bytes, and never less than a floor."""

    low_percent: float = 5.0
    low_bytes: int = 2048 * MIB
    full_percent: float = 2.0
    full_bytes: int = 512 * MIB

    def low(self, total: int) -> int:
        """Bytes below which no files are taken any more."""
        return max(LOW_LEAST, min(int(total * self.low_percent / 100), self.low_bytes))

    def full(self, total: int) -> int:
        """Bytes below which no messages are taken any more."""
        return max(FULL_LEAST, min(int(total * self.full_percent / 100), self.full_bytes))


def look(folder: Path) -> Space:
    """The file system that `folder` is on. Raises OSError where there is no such folder."""
    found = shutil.disk_usage(folder)
    return Space(found.free, found.total)


def room(before: RoomLeft, now: Space, marks: Marks) -> RoomLeft:
    """What there is room for, after `before`."""
    low, full = marks.low(now.total), marks.full(now.total)
    if now.free < full or (before == "full" and now.free < full * AGAIN):
        return "full"
    if now.free < low or (before != "ok" and now.free < low * AGAIN):
        return "low"
    return "ok"
