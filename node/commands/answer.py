"""What a use-case answers."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """Stored at sequence `seq` of conversation `conv`, or there since before; `at`: UTC ms, 0 where nothing is new."""

    seq: int
    conv: str = ""
    at: int = 0
