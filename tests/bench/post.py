"""Stored, acknowledged, pushed to another socket: two nodes, 1,000 conversations, profile `fast`; and NATS alone."""

from __future__ import annotations

from typing import Any

from tests.bench import racing


def measure() -> dict[str, Any]:
    """The highest rate at which 99 of 100 messages are on the other socket within 60 ms."""
    race = racing.Race(name="post", profile="fast", p99_ms=60, first_rate=3000, first_rate_prototype=8000)
    return racing.run(race)
