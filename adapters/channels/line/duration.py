"""How long a sound plays, by the boxes of its MPEG-4 file (ISO/IEC 14496-12); pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

BOXES_MOST: Final = 1000


def duration_ms(content: bytes) -> int:
    """Milliseconds, 0 where the file doesn't say or isn't MPEG-4: `mvhd` in `moov` has the ticks and their rate."""
    try:
        for kind, body, end in _boxes(content, 0, len(content)):
            if kind == b"moov":
                return next((_of(content, at) for box, at, _ in _boxes(content, body, end) if box == b"mvhd"), 0)
    except (struct.error, IndexError, ZeroDivisionError):
        pass
    return 0


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its content begins, where it ends) of each box in a range."""
    for _ in range(BOXES_MOST):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", content, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, body)
            body += 8
        upto = at + size if size else end
        if upto < body or upto > end:
            return
        yield kind, body, upto
        at = upto


def _of(content: bytes, at: int) -> int:
    """Of the content of a `mvhd`: version 1 has times of 64 bits."""
    if content[at] == 1:
        ticks_s, ticks = struct.unpack_from(">IQ", content, at + 20)
    else:
        ticks_s, ticks = struct.unpack_from(">II", content, at + 12)
    return int(ticks * 1000 // ticks_s)
