"""How far the log of a data folder had come, kept beside it: a log that was put back ends below, and that is said.

`DATA/log.json`: the last sequence of each stream, as routing has read it, at most some seconds old. It is for people:
what keeps an older copy from being taken for the log is backbone/nats/lineage.py, which needs no file.
Standard library alone.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trunkline.datafolder import keep_private

_FILE: Final = "log.json"


class Mark:
    """The mark of one data folder, written where it moves."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._noted = read(data)

    def note(self, lasts: Mapping[str, int] | None) -> None:
        """`lasts`: the last sequence of each stream, by its two digits; None or empty if nobody has told it."""
        if not lasts or lasts == self._noted:
            return
        # Without room on the disk nobody would be served the better for our ending: the next look tries again.
        with contextlib.suppress(OSError):
            keep_private(self._data / _FILE, json.dumps({"lasts": dict(lasts)}))
            self._noted = dict(lasts)


def read(data: Path) -> dict[str, int]:
    """What was noted; empty if nothing was, or nothing that can be read."""
    try:
        told = json.loads((data / _FILE).read_bytes())["lasts"]
        return {str(s): int(last) for s, last in told.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def lost(noted: Mapping[str, int], lasts: Mapping[str, int]) -> int:
    """How many events the log ends below what was noted of it; a stream that isn't there any more has lost all."""
    return sum(max(0, last - lasts.get(s, 0)) for s, last in noted.items())


def sentence(count: int) -> str:
    """What is said of so many."""
    return (
        f"The log ends {count:,} event{'s' * (count != 1)} before what this folder had: it was put back to an older "
        "copy, or lost its end. Everybody goes on from there; what the warehouse knew of them is in lost_events."
    )
