"""When nats-server must be started again though it lives: its store met a full disk, or it hangs.

A write that finds no room hurts its stream for as long as the server runs: nothing more is stored in it and nobody is
answered, also once there is room. And a server that is stopped or blocked takes connections and says nothing.
Standard library alone.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Final, Literal

from backbone import space
from backbone.space import Marks

NEARLY_NOTHING: Final = 256 * 1024
"""Bytes free, at or below which a write may have failed."""

SAID: Final = (b"no space left on device", b"disk quota exceeded", b"critical write error")
READ_MOST: Final = 1024 * 1024
STUCK_S: Final = 45.0
"""A node's evidence that nothing is stored, though nobody has seen the disk full."""

GREETS_WITHIN_S: Final = 1.0
GREET_EVERY_S: Final = 5.0
"""Between two looks at whether it greets, while nobody complains: without traffic nobody would."""

MUTE_ASKED: Final = 2
MUTE_UNASKED: Final = 5
"""Looks in a row at which it is mute: with somebody's complaint as further evidence, and without."""

AGAIN_LEAST_S: Final = 30.0
AGAIN_MOST_S: Final = 600.0

Greeting = Literal["greets", "mute", "absent"]


class Mending:
    """Watches one nats-server. `look` says why it should be started again, or nothing."""

    def __init__(self, store: Path, log: Path, address: tuple[str, int], marks: Marks | None = None) -> None:
        self._store = store
        self._log = log
        self._address = address
        self._marks = marks or Marks()
        self._read = _size(log)
        self._is_hurt = False
        self._mute = 0
        self._greeted_at = 0.0
        self._not_before = 0.0
        self._again_s = AGAIN_LEAST_S

    def look(self, now: float, *, stuck_s: float = 0.0, is_away: bool = False, said: bytes = b"") -> str:
        """`stuck_s`: for how long a node has got no answer to what it published. `is_away`: whether some process can't
        reach the server. `said`: what the server said since, where that doesn't go into a file. `now`: monotonic.
        """
        with contextlib.suppress(OSError):
            found = space.look(self._store)
            has_room = found.free > self._marks.full(found.total) * space.AGAIN
            heard = self._heard() + said
            if found.free <= NEARLY_NOTHING or any(words in heard for words in SAID):
                self._is_hurt = True
            if has_room and now >= self._not_before:
                if self._is_hurt:
                    return self._again(now, "its store met a disk without room, and there is room again")
                if stuck_s >= STUCK_S:
                    return self._again(now, f"it has left everything unanswered for {stuck_s:.0f} s")
        return self._if_mute(now, is_asked=is_away or stuck_s > 0)

    def _if_mute(self, now: float, *, is_asked: bool) -> str:
        """Whether the server takes connections and says nothing, several times in a row."""
        if now < self._not_before:
            self._mute = 0
            return ""
        if not is_asked and not self._mute and now - self._greeted_at < GREET_EVERY_S:
            return ""
        if greets(self._address) != "mute":
            self._mute, self._greeted_at = 0, now
            return ""
        self._mute += 1
        if self._mute < (MUTE_ASKED if is_asked else MUTE_UNASKED):
            return ""
        return self._again(now, "it takes connections and says nothing: it hangs")

    def _again(self, now: float, why: str) -> str:
        self._is_hurt, self._mute = False, 0
        self._again_s = AGAIN_LEAST_S if now - self._not_before > AGAIN_MOST_S else min(2 * self._again_s, AGAIN_MOST_S)
        self._not_before = now + self._again_s
        return why

    def _heard(self) -> bytes:
        """What the server has written into its log since the last look; of very much the end."""
        size = _size(self._log)
        if size < self._read:
            self._read = 0  # another file: the server turns its log over
        start = max(self._read, size - READ_MOST)
        self._read = size
        if start >= size:
            return b""
        with self._log.open("rb") as log:
            log.seek(start)
            return log.read(size - start).lower()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def greets(address: tuple[str, int]) -> Greeting:
    """How nats-server receives who connects: the system takes connections for a process that is stopped, too.

    One that is starting reads its store, for minutes where that is large, and listens only then.
    """
    try:
        connection = socket.create_connection(address, GREETS_WITHIN_S)
    except TimeoutError:
        return "mute"
    except OSError:
        return "absent"
    with connection:
        connection.settimeout(GREETS_WITHIN_S)
        try:
            return "greets" if connection.recv(4) else "absent"
        except TimeoutError:
            return "mute"
        except OSError:
            return "absent"
