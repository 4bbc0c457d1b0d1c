"""Whether a process keeps up with what waits for it, not only whether it lives: the rule, and who looks.

A reader that hangs is alive, holds its lease and answers; what tells is that something waits and nothing is done of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple

LOOK_EVERY_S: Final = 1.0


class Load(NamedTuple):
    """What waits (events; 1 where only that something does is known), and how far the work is: a number that grows."""

    waiting: int
    done: int


LoadReader = Callable[[], Load | None]
"""None: the process has no work now, such as one that waits for its turn."""


class Pace:
    """Stands still once something has waited for `still_s` seconds and nothing was done meanwhile. Pure.

    Being far behind is no fault as long as it gets on. Work that begins again from an earlier place hasn't got on until
    it is past where it was: one that fails at the same event, again and again, stands still.
    """

    def __init__(self, still_s: float) -> None:
        self._still_s = still_s
        self._furthest = -1
        self._moved_at: float | None = None
        self._without_since: float | None = None
        self._waiting = 0

    def look(self, load: Load | None, now: float) -> None:
        """Notes the load at `now` (monotonic seconds).

        Work that is gone for a moment only, between one failure and the next try, is still the same work.
        """
        if load is None:
            self._without_since = now if self._without_since is None else self._without_since
            if now - self._without_since >= self._still_s:
                self._furthest, self._waiting = -1, 0
            return
        self._without_since = None
        if load.done > self._furthest or not load.waiting:
            self._furthest, self._moved_at = max(load.done, self._furthest), now
        self._waiting = load.waiting

    def problem(self, now: float) -> str | None:
        """None while it keeps up, else one sentence."""
        if not self._waiting or self._moved_at is None or now - self._moved_at < self._still_s:
            return None
        return f"It stands still: {self._waiting:,} wait, and nothing was done for {now - self._moved_at:.0f} s."


async def watch(pace: Pace, load: LoadReader) -> None:
    """Looks once a second, until cancelled."""
    while True:
        pace.look(load(), time.monotonic())
        await asyncio.sleep(LOOK_EVERY_S)
