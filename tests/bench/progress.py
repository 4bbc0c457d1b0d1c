"""Progress of a benchmark, for whoever waits: on stderr, so that stdout ends with the one line of JSON."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """One line."""
    print(line, file=sys.stderr, flush=True)
