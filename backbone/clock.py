"""The time that events carry."""

from __future__ import annotations

import time


def utc_ms() -> int:
    """UTC milliseconds by this process's clock."""
    return time.time_ns() // 1_000_000
