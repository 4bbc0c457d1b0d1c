"""What `up` leaves in the data folder of its children for `trunkline doctor`: who runs, and why each ended last."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from trunkline import datafolder
from trunkline.up.child import Child

FILE: Final = "children.json"
FAILURE_MOST: Final = 500


class Word(NamedTuple):
    """Of one child. `failures` in a row; `failed_at`: UTC s; `failure`: how it ended, with its own last sentence."""

    name: str
    pid: int = 0
    runs: bool = False
    is_kept: bool = False
    failures: int = 0
    failed_at: float = 0.0
    failure: str = ""


def of(child: Child) -> Word:
    """What is to be told of a child."""
    pid = child.process.pid if child.process is not None else 0
    return Word(child.part.name, pid, pid > 0, child.keep, child.failures, child.failed_at, child.failure)


def failed(child: Child, how: str) -> None:
    """Note why a child ended: what it said last, if it said why."""
    said = f": {child.problem}" if child.problem else ""
    child.failed_at, child.failure = time.time(), f"{how}{said}"[:FAILURE_MOST]


def leave(data: Path, children: Sequence[Child]) -> None:
    """Write it, whole or not at all; a disk that is full costs the word and nothing else."""
    try:
        datafolder.keep_private(data / FILE, json.dumps([of(child)._asdict() for child in children]))
    except OSError:
        return


def read(data: Path) -> list[Word]:
    """What was left; nothing where nothing was. A newer `up` may tell more than we know."""
    try:
        told = json.loads((data / FILE).read_bytes())
        return [Word(**{k: v for k, v in one.items() if k in Word._fields}) for one in told]
    except (OSError, ValueError, TypeError, AttributeError):
        return []
