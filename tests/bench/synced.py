"""The race `post` with every write on the disk before it is acknowledged."""

from __future__ import annotations

from typing import Any

from tests.bench import racing


def measure() -> dict[str, Any]:
    """The highest rate at which 99 of 100 messages are on the other socket within 60 ms."""
    race = racing.Race(name="synced", profile="synced", p99_ms=60, first_rate=2000, first_rate_prototype=4000)
    return racing.run(race)
