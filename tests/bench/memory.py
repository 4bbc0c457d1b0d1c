"""Memory a socket: the slope over counts, so that what a process needs anyway isn't counted."""

from __future__ import annotations

import re
import statistics
from pathlib import Path


def rss_kb(pid: int) -> int:
    """Resident memory of a process now."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None, f"process {pid} has ended"
    return int(found[1])


def slope(counts: list[int], values: list[int]) -> float:
    """How much a value grows with each, by least squares."""
    return statistics.linear_regression(counts, values).slope
