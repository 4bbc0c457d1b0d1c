"""Whether the server can be used: looked at all the time, so that a question needn't find out by waiting.

Once somebody found the server away, questions are refused at once, and one probe at a time asks it, later and later.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from backbone.errors import UnavailableError
from backbone.until import until

FIRST_S: Final = 0.5
MOST_S: Final = 10.0
IDLE_S: Final = 10.0
SAY_AGAIN_S: Final = 60.0

_log = structlog.get_logger("warehouse.server")


class Pauses:
    """Seconds to wait before each further try: doubled up to 10, with jitter; from the start after `reset`."""

    def __init__(self) -> None:
        self._next_s = FIRST_S

    def reset(self) -> None:
        """Something went well."""
        self._next_s = FIRST_S

    def take(self) -> float:
        """The next pause."""
        pause_s, self._next_s = self._next_s, min(self._next_s * 2, MOST_S)
        return pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


class Saying:
    """Tells of a trouble once, and once a minute while it lasts."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._said = ""
        self._at = 0.0

    def say(self, problem: str) -> None:
        """Says it, unless it was said lately."""
        now = time.monotonic()
        if problem != self._said or now - self._at >= SAY_AGAIN_S:
            self._said, self._at = problem, now
            _log.warning(f"warehouse.{self._event}", problem=problem)

    def over(self) -> None:
        """Says that it is over."""
        if self._said:
            self._said = ""
            _log.info(f"warehouse.{self._event}_over")


class Reach:
    """What is known of the server. Any thread may call `lost`; the rest belongs to the event loop."""

    def __init__(self, problem: str | None = None) -> None:
        self.problem = problem
        """Why the server can't be used, as readiness wants it; None while it can."""

    def lost(self, problem: str) -> None:
        """Somebody couldn't use the server."""
        self.problem = problem

    async def watch(self, probe: Callable[[], Awaitable[None]], leaving: asyncio.Event) -> None:
        """Probes until `leaving`; `probe` raises UnavailableError with the sentence if the server can't be used."""
        pauses, saying = Pauses(), Saying("server_away")
        while not leaving.is_set():
            try:
                await probe()
            except UnavailableError as away:
                self.problem = away.message
                saying.say(away.message)
                await until(leaving, asyncio.sleep(pauses.take()))
            else:
                self.problem = None
                saying.over()
                pauses.reset()
                await self._until_lost(leaving)

    async def pause(self, leaving: asyncio.Event, seconds: float) -> None:
        """Waits so long, less if the server comes back meanwhile."""
        deadline, was_lost = time.monotonic() + seconds, self.problem is not None
        while not leaving.is_set() and (left_s := deadline - time.monotonic()) > 0:
            if was_lost and not self.problem:
                return
            await until(leaving, asyncio.sleep(min(left_s, FIRST_S)))

    async def _until_lost(self, leaving: asyncio.Event) -> None:
        deadline = time.monotonic() + IDLE_S
        while not self.problem and not leaving.is_set() and time.monotonic() < deadline:
            await until(leaving, asyncio.sleep(FIRST_S))
