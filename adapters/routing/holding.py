"""Which conversations are held back after decisions about them came to nothing. Pure but for the jitter."""

from __future__ import annotations

import random
from typing import Final

FIRST_S: Final = 1.0
MOST_S: Final = 60.0
MOST_HELD: Final = 100_000


class Holding:
    """Exponential back-off for each conversation: 1 s after the first failure, doubled up to 60 s, with jitter."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, float]] = {}
        """By conversation: until when (monotonic seconds), and the delay that led to it."""

    def holds(self, conv: str, now: float) -> bool:
        """Whether nothing is decided about it yet."""
        held = self._held.get(conv)
        return held is not None and now < held[0]

    def failed(self, conv: str, now: float) -> None:
        """A decision about it changed nothing."""
        if conv not in self._held and len(self._held) >= MOST_HELD:
            self.forget(now)
        delay_s = min(self._held.get(conv, (0, FIRST_S / 2))[1] * 2, MOST_S)
        self._held[conv] = (now + delay_s * random.uniform(0.75, 1.25), delay_s)  # noqa: S311 - jitter

    def done(self, conv: str) -> None:
        """A decision about it was written."""
        self._held.pop(conv, None)

    def forget(self, now: float) -> None:
        """Drops those whose time has passed for long."""
        self._held = {conv: held for conv, held in self._held.items() if now < held[0] + MOST_S}
