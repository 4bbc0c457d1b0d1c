"""Waiting for a condition, never for time: it holds within a deadline, or the test fails and says what never came."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

WITHIN_S: Final = 60.0
LOOK_S: Final = 0.02
"""Between two looks at what costs little; of what starts a process the look itself takes longer."""

Told = str | Callable[[], object]


async def until(holds: Callable[[], Any | Awaitable[Any]], told: Told = "", within_s: float = WITHIN_S) -> None:
    """Returns once `holds` is true, awaited where it is a coroutine; the loop turns between looks.

    `told`: what the failure says, text or who tells it then, such as `system.said`. Raises AssertionError after
    `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while True:
        found = holds()
        if await found if inspect.isawaitable(found) else found:
            return
        assert time.monotonic() < deadline, _never(told, within_s)
        await asyncio.sleep(LOOK_S / 2)


def wait_until(holds: Callable[[], Any], told: Told = "", within_s: float = WITHIN_S) -> None:
    """The same where no loop turns."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, _never(told, within_s)
        time.sleep(LOOK_S)


def _never(told: Told, within_s: float) -> str:
    return f"not within {within_s:.0f} s: {told() if callable(told) else told}"
