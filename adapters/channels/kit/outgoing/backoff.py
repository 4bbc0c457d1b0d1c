"""How long to wait before something is tried again at a provider."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

LEAST_S: Final = 0.1
MOST_S: Final = 300.0
AFTER_END_S: Final = 0.2


def delay_s(tries: int, left_s: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds before the next try, with full jitter: up to twice as long after each. `left_s`: until it is given up.

    The last try is made when it is time to give up, not long after.
    """
    most_s = min(MOST_S, 2.0**tries, left_s + AFTER_END_S)
    return LEAST_S + max(0.0, most_s - LEAST_S) * chance()
