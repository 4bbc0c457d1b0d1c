"""Tells `up` that this process's event loop turns, as every other child does (backbone/process/service.py)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import Final

BEATS_UNTIL_HUNG: Final = 5


async def tell(descriptor: int, hung_s: float) -> None:
    """Writes a line on the pipe `descriptor` now and then, until whoever reads it is gone; after `hung_s` of silence
    this process is ended and started again.
    """
    os.set_blocking(descriptor, False)
    line = json.dumps({"role": "active", "problem": "", "hung_s": hung_s}).encode() + b"\n"
    with contextlib.suppress(OSError):
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(descriptor, line)
            await asyncio.sleep(hung_s / BEATS_UNTIL_HUNG)
