"""Table `loads`: what was promised, what is done, and so where to go on (warehouse.md, section 2, points 2 to 5).

All functions run on the writer. Cursors live here and nowhere else: what outlives its rows is a hole.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.loading.plan import Place, Range
from adapters.warehouse.statements import internal
from backbone.clock import utc_ms

TABLE: Final = "loads"

_RANGES: Final = pa.list_(
    pa.struct([("stream", pa.string()), ("epoch", pa.uint32()), ("first", pa.uint64()), ("last", pa.uint64())])
)
_CURSORS: Final = pa.list_(pa.struct([("stream", pa.string()), ("epoch", pa.uint32()), ("seq", pa.uint64())]))
_TIME: Final = pa.timestamp("ms", "UTC")


class Done(NamedTuple):
    """The newest finished load of a group: number 0 and no cursors before the first."""

    number: int
    cursors: dict[str, Place]
    newest_ms: int
    unwritten_since_ms: int


class Begun(NamedTuple):
    """A load that was promised and never finished."""

    number: int
    ranges: tuple[Range, ...]


class Totals(NamedTuple):
    """What a load held, computed from the log."""

    events: int
    checksum: int


class Promise(NamedTuple):
    """Which load it is: its group and number, the fencing token of its loader, its ranges."""

    group: str
    number: int
    fence: int
    ranges: tuple[Range, ...]


def newest_done(client: Client, group: str) -> Done:
    """Where the group's last finished load left off."""
    found = rows(client, internal("load_done"), {"group": group})
    if not found:
        return Done(0, {}, 0, 0)
    number, cursors, newest_ms, unwritten_since_ms = found[0]
    places = {str(c["stream"]): Place(int(c["epoch"]), int(c["seq"])) for c in cursors}
    return Done(int(number), places, int(newest_ms), int(unwritten_since_ms))


def unfinished(client: Client, group: str, after: int) -> list[Begun]:
    """Loads numbered above `after` that were begun and not done, in order."""
    return [
        Begun(int(number), tuple(_range(r) for r in named))
        for number, named in rows(client, internal("load_begun"), {"group": group, "after": after})
    ]


def newest_fence(client: Client, group: str, after: int) -> int:
    """The highest fence among loads numbered `after` or above; 0 if there is none."""
    return int(rows(client, internal("load_fence"), {"group": group, "after": after})[0][0])


def begin(client: Client, promise: Promise) -> None:
    """Promises a load. Durable when it returns."""
    _insert(client, promise, "begun", Totals(0, 0), Done(promise.number, {}, 0, 0))


def finish(client: Client, promise: Promise, totals: Totals, done: Done) -> None:
    """Says that every table has the load, and how far the log is loaded by that. Durable when it returns."""
    _insert(client, promise, "done", totals, done)


def _range(named: dict[str, Any]) -> Range:
    return Range(str(named["stream"]), int(named["epoch"]), int(named["first"]), int(named["last"]))


def _insert(client: Client, promise: Promise, state: str, totals: Totals, done: Done) -> None:
    ranges = [{"stream": r.s, "epoch": r.epoch, "first": r.first, "last": r.last} for r in promise.ranges]
    cursors = [{"stream": s, "epoch": p.epoch, "seq": p.seq} for s, p in sorted(done.cursors.items())]
    table = pa.table(
        {
            "group": [promise.group],
            "load": pa.array([promise.number], pa.uint64()),
            "state": [state],
            "at": pa.array([utc_ms()], _TIME),
            "fence": pa.array([promise.fence], pa.uint64()),
            "ranges": pa.array([ranges], _RANGES),
            "count": pa.array([totals.events], pa.uint64()),
            "checksum": pa.array([totals.checksum], pa.uint64()),
            "cursors": pa.array([cursors], _CURSORS),
            "newest_stored_at": pa.array([done.newest_ms], _TIME),
            "unwritten_since": pa.array([done.unwritten_since_ms], _TIME),
        }
    )
    # No token: one that outlived its row (see load.py) would swallow the same promise made again.
    client.insert_arrow(TABLE, table)
