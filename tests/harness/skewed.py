"""`trunkline` whose wall clock is wrong: by CLOCK_SKEW_S, and after SIGUSR1 by as much the other way.

`python -m tests.harness.skewed node`. The monotonic clock is the machine's, as it is where a clock is set.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

_time, _time_ns = time.time, time.time_ns
_skew_s = int(os.environ["CLOCK_SKEW_S"])


def _leap(*_: Any) -> None:
    global _skew_s  # noqa: PLW0603 - a clock is one thing that all share
    _skew_s = -_skew_s


time.time = lambda: _time() + _skew_s
time.time_ns = lambda: _time_ns() + _skew_s * 1_000_000_000

if __name__ == "__main__":
    from trunkline.main import main

    signal.signal(signal.SIGUSR1, _leap)
    main()
