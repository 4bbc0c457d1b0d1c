"""What a running `up` leaves for the program that follows it in its process: descriptors, children, options.

A file in the data folder, written just before the new code is executed and deleted once it has been read. Fields
are only added, and unknown ones ignored, so that an older `up` can follow a newer one and the other way round.
Standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from trunkline.datafolder import keep_private
from trunkline.embedded import StartError

FORMAT: Final = 1
_FILE: Final = "handover.json"


class Running(NamedTuple):
    """A child that goes on running: its part's name, its process, how often it has failed."""

    name: str
    pid: int
    failures: int = 0
    report: int | None = None
    """Descriptor of the pipe on which it tells what it does."""

    words: Mapping[str, Any] = {}
    """What it has told last: it tells only what changes."""

    restarts: int = 0
    """How often it was started again since `up` began."""


class Handover(NamedTuple):
    """Everything the follower can't find out by itself. `request` names the upgrade that is under way."""

    pid: int
    version: str
    host: str
    profile: str
    demo: bool
    lock: int
    listener: int
    nats_port: int
    children: tuple[Running, ...]
    request: str = ""
    format: int = FORMAT
    nats_users: bool = False
    """Whether nats-server knows a user for each kind of process; earlier versions don't say, and theirs doesn't."""

    health: int = -1
    """Descriptor of the socket of health and metrics; -1: there is none."""


def write(data: Path, handover: Handover) -> None:
    """Leave it for the follower."""
    told = {**handover._asdict(), "children": [child._asdict() for child in handover.children]}
    keep_private(data / _FILE, json.dumps(told))


def read(data: Path) -> Handover:
    """What was left. Raises StartError if there is nothing, or nothing that this version understands."""
    try:
        told: dict[str, Any] = json.loads((data / _FILE).read_bytes())
        if told["format"] > FORMAT:
            raise StartError(
                f"this version can't follow Trunkline {told['version']}: stop that one and start this one."
            )
        children = tuple(Running(**_known(Running, child)) for child in told.pop("children"))
        return Handover(children=children, **_known(Handover, told))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StartError(f"there is nothing to go on from in {data}: {error}") from error


def forget(data: Path) -> None:
    """It has been read."""
    (data / _FILE).unlink(missing_ok=True)


def _known(kind: Any, told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name in kind._fields}
