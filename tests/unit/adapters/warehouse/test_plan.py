"""Loads are cut by month, name their ranges, and go on where the log says."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.warehouse.loading.decode import Stored
from adapters.warehouse.loading.plan import Place, Range, advance, cut, ranges, resume_at, token
from backbone.nats.epochs import Epochs, StreamState

NOVEMBER_ENDS_MS = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)


def stored(s: str, seq: int, stored_ms: int, epoch: int = 5) -> Stored:
    """A row of which only its place matters."""
    return Stored(s, epoch, seq, stored_ms, "main", "web", "c", b"\0" * 16, "x", "", "", 0, b"", None, "")


def month(row: Stored) -> tuple[int, int]:
    at = datetime.fromtimestamp(row.stored_ms / 1000, UTC)
    return at.year, at.month


ARRIVED = st.lists(
    st.tuples(st.sampled_from(["00", "01", "07"]), st.integers(-3_000_000_000, 3_000_000_000)), max_size=60
)


@settings(deadline=None)  # a count of examples is the bound, not the clock of a busy machine
@given(ARRIVED)
def test_each_load_is_one_month_and_no_row_is_lost_or_overtaken(arrived: list[tuple[str, int]]) -> None:
    rows = [stored(s, seq, NOVEMBER_ENDS_MS + offset) for seq, (s, offset) in enumerate(arrived, start=1)]
    loads = cut(rows)
    assert all(len({month(row) for row in load}) == 1 for load in loads)
    for s in {row.s for row in rows}:
        assert [r.seq for load in loads for r in load if r.s == s] == [r.seq for r in rows if r.s == s]
    for load in loads:
        assert load == sorted(load, key=lambda row: (row.s, row.seq))


def test_the_month_boundary_of_one_stream_holds_back_only_that_stream() -> None:
    rows = [
        stored("00", 1, NOVEMBER_ENDS_MS - 1),
        stored("00", 2, NOVEMBER_ENDS_MS),
        stored("01", 1, NOVEMBER_ENDS_MS - 5),
    ]
    first, second = cut(rows)
    assert [(r.s, r.seq) for r in first] == [("00", 1), ("01", 1)]
    assert [(r.s, r.seq) for r in second] == [("00", 2)]


def test_ranges_span_holes_and_keep_epochs_apart() -> None:
    rows = [stored("00", 3, 0), stored("00", 9, 0), stored("00", 10, 0, epoch=6), stored("02", 1, 0)]
    assert ranges(rows) == (Range("00", 5, 3, 9), Range("00", 6, 10, 10), Range("02", 5, 1, 1))


@settings(deadline=None)
@given(st.permutations([Range("00", 5, 1, 9), Range("01", 5, 1, 9), Range("00", 6, 1, 9)]))
def test_a_token_names_ranges_and_table(order: list[Range]) -> None:
    first = token(order, "events")
    assert first == token(list(order), "events")
    assert first != token(order, "messages")
    assert all(token([a], "events") != token([b], "events") for a, b in pairwise(order))


def test_cursors_only_go_forward() -> None:
    at = {"00": Place(5, 9)}
    assert advance(at, [Range("00", 5, 3, 7), Range("01", 5, 1, 2)]) == {"00": Place(5, 9), "01": Place(5, 2)}
    assert advance(at, [Range("00", 6, 1, 2)]) == {"00": Place(6, 2)}


@pytest.mark.parametrize(
    ("cursor", "stretches", "last", "expected"),
    [
        (None, ((5, 1),), 100, 1),
        (Place(5, 40), ((5, 1),), 100, 41),
        (Place(5, 40), ((5, 1), (6, 101)), 200, 41),  # restored, but beyond what was loaded
        (Place(5, 140), ((5, 1), (6, 101)), 200, 101),  # restored to before: the tail is lost
        (Place(5, 40), ((9, 1),), 20, 1),  # made anew
        (Place(6, 150), ((5, 1), (6, 101)), 200, 151),
    ],
)
def test_reading_goes_on_where_the_present_log_continues(
    cursor: Place | None, stretches: tuple[tuple[int, int], ...], last: int, expected: int
) -> None:
    assert resume_at(cursor, StreamState(1, last, Epochs(stretches))) == expected
