"""Poison events that an adapter's code fails at: found by bisection down to single events, then passed over. Pure.

An exception out of a batch leaves what the adapter knows half changed, and names no event. So following begins again
from the cursor; events up to where it failed come one by one, and the one that fails alone is the poison.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backbone.nats.reader import Entry

MOST: Final = 10_000
"""Poison events passed over beyond the cursor; an adapter that fails at more fails at everything."""

FEW: Final = 5
PAUSE_MOST_S: Final = 10.0


class Suspects:
    """Outlives the follower that failed: the next one is told what to beware of."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._poison: set[tuple[str, int, int]] = set()
        self._in_a_row = 0

    def batches(self, entries: Sequence[Entry]) -> list[list[Entry]]:
        """The events in order, those under suspicion each alone."""
        found: list[list[Entry]] = []
        was_alone = True
        for entry in entries:
            is_alone = entry.seq <= self._until.get(entry.s, 0) or self.is_poison(entry)
            if is_alone or was_alone:
                found.append([entry])
            else:
                found[-1].append(entry)
            was_alone = is_alone
        return found

    def is_poison(self, entry: Entry) -> bool:
        """Whether it stands in `DEAD` already."""
        return (entry.s, entry.epoch, entry.seq) in self._poison

    def failed(self, batch: Sequence[Entry]) -> Entry | None:
        """An adapter failed at `batch`; returns the poison event if it is found. Raises OverflowError beyond `MOST`."""
        if len(batch) == 1:
            if len(self._poison) >= MOST:
                raise OverflowError
            self._in_a_row += 1
            self._poison.add((batch[0].s, batch[0].epoch, batch[0].seq))
            return batch[0]
        for entry in batch:
            self._until[entry.s] = max(self._until.get(entry.s, 0), entry.seq)
        return None

    def took(self) -> None:
        """An adapter took a batch: it doesn't fail at everything."""
        self._in_a_row = 0

    def pause_s(self) -> float:
        """Seconds to wait before following begins again: an adapter that fails at one event after the other is ill
        itself, and shouldn't put the whole log into `DEAD` within a minute.
        """
        return 0.0 if self._in_a_row < FEW else min(0.05 * 2 ** min(self._in_a_row - FEW, 20), PAUSE_MOST_S)

    def kept(self, s: str, epoch: int, seq: int) -> None:
        """A cursor was written: what lies at or below it doesn't come again."""
        if self._poison:
            self._poison = {one for one in self._poison if one[0] != s or one[1:] > (epoch, seq)}
        if self._until.get(s, 0) <= seq:
            self._until.pop(s, None)
