"""What clients asked and were told, and what viewers showed, in the order in which it happened: JSON lines.

Each process of a test writes a file of its own; times are seconds of the machine's monotonic clock, which all of
them share. A record goes to the file at once and is kept nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal, Union

import msgspec
from msgspec import Struct

Outcome = Literal["ok", "fail", "unknown"]

CALM = "calm"
"""Viewers whose name begins so write now and then, and wait for each answer."""

CANARY = "canary-"
"""Every text of a tenant carries this and the tenant's id."""


class Record(Struct, array_like=True, tag=True):
    """One line of a history."""


class Viewer(Record, tag="viewer"):
    """A session and whose it is; `kind` is visitor or agent, `person` their contact or agent id."""

    viewer: str
    tenant: str
    kind: str
    person: str


class Invoked(Record, tag="invoked"):
    """A post began: `what` is `send`, or the act; `conv` is empty where none was named."""

    at: float
    op: str
    viewer: str
    what: str
    conv: str = ""
    text: str = ""


class Completed(Record, tag="completed"):
    """A post ended: `ok` is stored at `seq` of `conv`, `fail` was refused with `code`, `unknown` may be either."""

    at: float
    op: str
    outcome: Outcome
    conv: str = ""
    seq: int = 0
    code: str = ""


class Resent(Record, tag="resent"):
    """A post that had been answered was sent again with its id, by `viewer`: what it was told. `age_s` since then."""

    began: float
    at: float
    op: str
    viewer: str
    age_s: float
    outcome: Outcome
    conv: str = ""
    seq: int = 0
    code: str = ""


class Here(Record, tag="here"):
    """A viewer that still looked at the end."""

    viewer: str


class Refused(Record, tag="refused"):
    """A node refused a post for now; the client goes on trying."""

    at: float
    op: str
    code: str


class Began(Record, tag="began"):
    """A viewer began to show a conversation, knowing nothing of it: by a first `sub`, told to `resync`, or told that
    another device of the person has `opened` it.
    """

    at: float
    viewer: str
    conv: str
    why: Literal["sub", "resync", "opened"] = "sub"


class Applied(Record, tag="applied"):
    """A viewer showed an event."""

    viewer: str
    conv: str
    epoch: int
    seq: int
    event: str


class Reached(Record, tag="reached"):
    """Where a viewer that still looks stood at the end, when everything was quiet."""

    viewer: str
    conv: str
    epoch: int
    seq: int


class Carried(Record, tag="carried"):
    """A frame to a viewer bore this tenant's canary (the first such frame is recorded)."""

    viewer: str
    tenant: str


class Outage(Record, tag="outage"):
    """The log was away for all nodes."""

    since: float
    until: float


class Probed(Record, tag="probed"):
    """What `/readyz` of a process said."""

    at: float
    process: str
    ready: bool


class Crew(Record, tag="crew"):
    """An agent as they were at the end: there or not, with room for so many."""

    tenant: str
    agent: str
    present: bool
    capacity: int


class Measured(Record, tag="measured"):
    """A figure that must stay within bounds."""

    process: str
    what: str
    value: float
    most: float


class Fault(Record, tag="fault"):
    """A fault that was made, and what shows that it happened."""

    since: float
    until: float
    name: str
    evidence: str


AnyRecord = Union[  # noqa: UP007 - msgspec reads the union at run time
    Viewer,
    Invoked,
    Completed,
    Resent,
    Here,
    Refused,
    Began,
    Applied,
    Reached,
    Carried,
    Outage,
    Probed,
    Crew,
    Measured,
    Fault,
]

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class Recorder:
    """Writes a history. Make it, write, close."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("ab", buffering=256 * 1024)

    def write(self, record: AnyRecord) -> None:
        """Keeps a record."""
        self._file.write(_encoder.encode(record) + b"\n")

    def flush(self) -> None:
        """What was written is in the file."""
        self._file.flush()

    def close(self) -> None:
        """Ends writing."""
        self._file.close()


def read(paths: Iterable[Path]) -> Iterator[AnyRecord]:
    """All records of some files, file by file. A last line that a kill cut short is left out."""
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield _decoder.decode(line)


def now() -> float:
    """The clock of histories."""
    return time.monotonic()
