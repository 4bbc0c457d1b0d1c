"""How long to wait before something is tried again at a provider (channels.md, "Backoff")."""

from __future__ import annotations

import random
from typing import Final

LEAST_S: Final = 0.1
MOST_S: Final = 300.0
AFTER_END_S: Final = 0.2


def delay_s(tries: int, left_s: float) -> float:
    """Seconds before the next try, with full jitter: up to twice as long after each. `left_s`: until it is given up.

    The last try is made when it is time to give up, not long after.
    """
    most_s = min(MOST_S, 2.0**tries, left_s + AFTER_END_S)
    return random.uniform(LEAST_S, max(LEAST_S, most_s))  # noqa: S311 - jitter
