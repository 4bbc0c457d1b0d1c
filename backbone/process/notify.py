"""What systemd is told (sd_notify): ready, and that the process still turns, where a unit sets `WatchdogSec`.

Standard library alone, since `trunkline up` tells too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Final

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"
NAMES: Final = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
"""What a unit says to its main process, and to no child of that one."""


def notify(words: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Tells systemd; False where nobody of the kind listens. Never blocks, never raises."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as told:
        told.sendto(words.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
        return True
    return False


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float:
    """Seconds between two signs of life: a third of what the unit allows this process; 0 where it asks for none."""
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not usec.isdigit() or (pid and pid != str(os.getpid())):
        return 0.0
    return int(usec) / 3_000_000


class Watchdog:
    """Tells of a turn, however often there is one, at a third of the time that the unit allows."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._every_s = watchdog_s(environ)
        self._next_at = 0.0

    def turn(self) -> None:
        """The caller isn't stuck."""
        now = time.monotonic()
        if self._every_s and now >= self._next_at:
            self._next_at = now + self._every_s
            notify(ALIVE, self._environ)
