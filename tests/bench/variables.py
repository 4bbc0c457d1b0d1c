"""What a benchmark is told by variables: `make bench BENCH=post DURATION=20 BASELINE=0`."""

from __future__ import annotations

import os


def duration_s(default: float = 60.0) -> float:
    """DURATION: seconds of a run that counts."""
    return float(os.environ.get("DURATION", default))


def fixed_rate() -> float:
    """RATE: messages a second in place of a search; 0 searches."""
    return float(os.environ.get("RATE", "0"))


def with_baseline() -> bool:
    """BASELINE=0 leaves the prototype out."""
    return os.environ.get("BASELINE", "1") != "0"


def is_recorded() -> bool:
    """Whether docs/benchmarks.md gets a row: RECORD=0 and what is left out for a closer look say no."""
    return os.environ.get("RECORD", "1") != "0" and not fixed_rate() and with_baseline()


def runs() -> int:
    """RUNS: how often what counts is measured; the median is told."""
    return int(os.environ.get("RUNS", "1"))


def number(name: str, default: int) -> int:
    """A size, such as CONVERSATIONS or SOCKETS."""
    return int(os.environ.get(name, str(default)))
