"""The race `post` with routing and the warehouse at work on every event; the prototype has nothing of the kind."""

from __future__ import annotations

from typing import Any

from tests.bench import racing


def measure() -> dict[str, Any]:
    """The highest rate at which 99 of 100 messages are on the other socket within 100 ms."""
    race = racing.Race(
        name="whole",
        profile="fast",
        p99_ms=100,
        first_rate=2000,
        first_rate_prototype=8000,
        adapters=("routing", "warehouse"),
    )
    return racing.run(race)
