"""How long it takes at 5,000 messages a second, well below what a machine of two cores can do; profile `fast`."""

from __future__ import annotations

from typing import Any

from tests.bench import racing

RATE = 5000.0


def measure() -> dict[str, Any]:
    """Latency at a rate that is told, RATE or 5,000/s, of product and prototype in turn."""
    race = racing.Race(
        name="latency", profile="fast", p99_ms=20, first_rate=RATE, first_rate_prototype=RATE, fixed_rate=RATE
    )
    return racing.run(race)
