"""How often a line may be written: the same event a few times a minute, then a count. Pure."""

from __future__ import annotations

from typing import Final

MOST: Final = 5
WINDOW_S: Final = 60.0
KEYS_MOST: Final = 1000
"""Names of events are those of the code; those of libraries are places in it."""


class Repeats:
    """Counts by key; a key is what makes two lines the same."""

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}
        """By key: since when its minute runs, and how many came."""

    def takes(self, key: str, at: float) -> bool:
        """Whether this line may be written at `at` (seconds)."""
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) >= KEYS_MOST:
                # Lines that all differ aren't repeats; bounded all the same.
                self._seen.pop(next(iter(self._seen)))
            self._seen[key] = [at, 1]
            return True
        if at - found[0] >= WINDOW_S and found[1] <= MOST:
            found[:] = [at, 1]
            return True
        found[1] += 1
        return found[1] <= MOST

    def over(self, at: float) -> list[tuple[str, int]]:
        """(key, lines left out) of each minute that is over at `at`; it begins anew."""
        ended = [(key, count) for key, (since, count) in self._seen.items() if at - since >= WINDOW_S]
        for key, _ in ended:
            del self._seen[key]
        return [(key, round(count) - MOST) for key, count in ended if count > MOST]
