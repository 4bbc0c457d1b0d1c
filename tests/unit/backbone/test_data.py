"""What a customer entered or chose stays within its bounds, and says so where it was too much."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone import events as ev
from backbone.channel.leaves import leaves
from backbone.events import data

SCALAR = st.one_of(st.text(max_size=50), st.integers(), st.floats(), st.booleans(), st.none())
ROW = st.dictionaries(st.text(max_size=8), SCALAR, max_size=5)
ANY = st.dictionaries(st.text(max_size=8), st.one_of(SCALAR, ROW, st.lists(ROW, max_size=4)), max_size=8)
JSON = st.recursive(SCALAR, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=5), inner)))


@given(ANY)
def test_what_is_kept_can_be_stored_and_read_again(given_: dict[str, Any]) -> None:
    kept = data.bounded(given_)
    raw = msgspec.json.encode(kept)
    assert msgspec.json.decode(raw, type=ev.Data) == kept
    assert len(raw) <= data.BYTES_MOST + 1000
    assert data.bounded(kept) == kept, "it is within its bounds already"


@pytest.mark.parametrize(
    ("much", "name"),
    [
        ({"text": "x" * 5000}, "a long text"),
        ({"items": [{"n": n} for n in range(101)]}, "many rows"),
        ({f"n{n}": 1 for n in range(70)}, "many values"),
        ({f"n{n}": "x" * 4000 for n in range(20)}, "much together"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_too_much_is_left_out_and_that_is_said(much: dict[str, Any], name: str) -> None:
    kept = data.bounded(much)
    assert kept["cut"] is True, name
    assert len(msgspec.json.encode(kept)) <= data.BYTES_MOST + 100
    assert len(kept) <= data.VALUES_MOST + 1


def test_values_are_searched_one_a_line_and_truths_are_no_words() -> None:
    assert data.words({"form": {"size": "L", "n": 2}, "items": [{"name": "Tea"}], "forwarded": True}) == "L\n2\nTea"
    assert data.texts({"form": {"size": "L"}, "latitude": 23.5, "forwarded": True}) == {
        "latitude": "23.5",
        "forwarded": "yes",
    }


def test_numbers_that_json_does_not_have_are_left_out() -> None:
    assert data.bounded({"a": float("nan"), "b": float("inf"), "c": 2**60, "d": ""}) == {"c": str(2**60)}


@given(JSON)
def test_any_json_becomes_one_row_of_paths(found: Any) -> None:
    row = leaves(found)
    assert len(row) <= 64
    assert all(isinstance(value, str | int | float) for value in row.values())


def test_paths_name_where_a_value_was() -> None:
    raw = b'{"order": {"items": [{"name": "Tea", "n": 2}], "paid": true}, "x": 1}'
    assert leaves(raw, "order") == {"items.0.name": "Tea", "items.0.n": 2, "paid": True}
    assert leaves(raw, "missing") == {"order.items.0.name": "Tea", "order.items.0.n": 2, "order.paid": True, "x": 1}
    assert leaves(b"{") == {}
    assert leaves(b"[" * 10_000) == {}
