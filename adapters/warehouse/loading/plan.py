"""How arrived events become loads, and where a loader goes on: pure (warehouse.md, section 2).

A load names its ranges before its rows go in, so that a loader that died half-way is followed by one
that fetches exactly the same rows: a deduplication token must name what never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from adapters.warehouse.loading.decode import Stored
from backbone.nats.epochs import StreamState


class Place(NamedTuple):
    """A position in a stream: all at or below `seq`, which lies in `epoch`, is loaded."""

    epoch: int
    seq: int


class Range(NamedTuple):
    """The stored events of stream `s` and one epoch with first <= sequence <= last."""

    s: str
    epoch: int
    first: int
    last: int


def cut(rows: Sequence[Stored]) -> list[list[Stored]]:
    """Splits what has arrived into loads of one month each, so that each load is one part in one partition.

    Within a load rows are in order of stream and sequence; over the loads, each stream's rows keep theirs.
    """
    times = [row.stored_ms for row in rows]
    if not times:
        return []
    if _month(min(times)) == _month(max(times)):
        return [sorted(rows, key=_stream)]
    waiting: dict[str, list[Stored]] = {}
    for row in rows:
        waiting.setdefault(row.s, []).append(row)
    loads = []
    while waiting:
        month = min(_month(queue[0].stored_ms) for queue in waiting.values())
        load: list[Stored] = []
        for s in sorted(waiting):
            queue = waiting[s]
            taken = next((n for n, row in enumerate(queue) if _month(row.stored_ms) != month), len(queue))
            load += queue[:taken]
            waiting[s] = queue[taken:]
        waiting = {s: queue for s, queue in waiting.items() if queue}
        loads.append(load)
    return loads


def ranges(load: Sequence[Stored]) -> tuple[Range, ...]:
    """The ranges of a load's rows, one for each stream and epoch."""
    found: dict[tuple[str, int], Range] = {}
    for row in load:
        key = (row.s, row.epoch)
        known = found.get(key)
        found[key] = Range(*key, known.first if known else row.seq, row.seq)
    return tuple(found[key] for key in sorted(found))


def token(of: Sequence[Range], table: str) -> str:
    """The deduplication token of one table's insert: the same ranges, the same token."""
    named = ";".join(f"{r.s}.{r.epoch}:{r.first}-{r.last}" for r in of)
    return f"{hashlib.sha256(named.encode()).hexdigest()[:32]}-{table}"


def advance(cursors: Mapping[str, Place], of: Sequence[Range]) -> dict[str, Place]:
    """The cursors after a load."""
    moved = dict(cursors)
    for r in of:
        moved[r.s] = max(moved.get(r.s, Place(0, 0)), Place(r.epoch, r.last))
    return moved


def resume_at(cursor: Place | None, state: StreamState) -> int:
    """The first sequence to read from a stream.

    Where the stream was rolled back, restored or made anew since, that is where its next epoch begins.
    """
    if cursor is None:
        return 1
    if state.epochs.holds(cursor.epoch, cursor.seq):
        return cursor.seq + 1
    return min((first for epoch, first in state.epochs.stretches if epoch > cursor.epoch), default=1)


def _stream(row: Stored) -> str:
    return row.s


def _month(stored_ms: int) -> tuple[int, int]:
    at = datetime.fromtimestamp(stored_ms // 1000, UTC)
    return at.year, at.month
