"""The highest rate that holds, by probes: pure, so that what decides can be tried without a machine."""

from __future__ import annotations

from dataclasses import dataclass

GROWTH = 1.3
STEP_DOWN = 0.96


@dataclass
class Search:
    """Climbs by a third until a rate doesn't hold, then halves what lies between. `rate` is what to try next."""

    rate: float
    resolution: float = 0.04
    """Ends once the highest that held and the lowest that didn't are this close, as a share."""

    most: float = 40_000.0
    held: float = 0.0
    failed: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to learn."""
        if self.held >= self.most:
            return True
        return bool(self.failed) and self.failed - self.held <= self.resolution * self.failed

    def note(self, *, holds: bool) -> None:
        """The outcome at `rate`; the next `rate` follows from it."""
        if holds:
            self.held = self.rate
        else:
            self.failed = self.rate
        if not self.failed:
            self.rate = min(self.most, self.rate * GROWTH)
        elif not self.held:
            self.rate = self.failed / GROWTH
        else:
            self.rate = (self.held + self.failed) / 2


def lower(rate: float) -> float:
    """The next rate to confirm, when a long run at `rate` doesn't hold what a short one did."""
    return rate * STEP_DOWN
