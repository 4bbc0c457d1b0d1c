"""The highest rate that holds: pure, so that what decides can be tried without a machine."""

from __future__ import annotations

from dataclasses import dataclass

GROWTH = 1.3
STEP_DOWN = 0.95
STEPS_MOST = 10


@dataclass
class Search:
    """Short probes: climbs by a third until a rate doesn't hold, then halves what lies between.

    `rate` is what to try next; `held` the highest that held. With the bound far away it ends at `most`.
    """

    rate: float
    resolution: float = 0.04
    """Ends once the highest that held and the lowest that didn't are this close, as a share."""

    most: float = 40_000.0
    least: float = 100.0
    held: float = 0.0
    failed: float = 0.0
    is_doubted: bool = False
    """It failed once at `rate`: on a shared machine that may have been somebody else."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to learn."""
        if self.held >= self.most or (self.failed and self.failed <= self.least):
            return True
        return bool(self.failed) and self.failed - self.held <= self.resolution * self.failed

    def note(self, *, holds: bool) -> None:
        """The outcome at `rate`; the next `rate` follows from it. Only a second failure in a row is believed."""
        if not holds and not self.is_doubted:
            self.is_doubted = True
            return
        self.is_doubted = False
        if holds:
            self.held = self.rate
        else:
            self.failed = self.rate
        if not self.failed:
            self.rate = min(self.most, self.rate * GROWTH)
        elif not self.held:
            self.rate = max(self.least, self.failed / GROWTH)
        else:
            self.rate = (self.held + self.failed) / 2


@dataclass
class Confirmation:
    """Long runs at the rate that short ones found: most of `runs` must hold, else all is tried a step lower."""

    rate: float
    runs: int
    held: int = 0
    failed: int = 0
    steps: int = 0

    @property
    def is_confirmed(self) -> bool:
        """Whether every run was made, and most held."""
        return self.held + self.failed == self.runs and self.held > self.failed

    @property
    def is_over(self) -> bool:
        """Whether no further run is wanted."""
        return self.is_confirmed or self.steps > STEPS_MOST

    def note(self, *, holds: bool) -> bool:
        """The outcome of a run at `rate`; True if the runs made so far were in vain."""
        if holds:
            self.held += 1
        else:
            self.failed += 1
        if self.failed * 2 < self.runs:
            return False
        self.held = self.failed = 0
        self.rate *= STEP_DOWN
        self.steps += 1
        return True
