"""Tables that stay aligned, files that spreadsheets can't be tricked by."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from trunkline.output import CELL_MOST, as_csv, as_json, table


def test_chinese_takes_two_columns_and_numbers_stand_right() -> None:
    assert table(["who", "n"], [["林晓", 3], ["Emma", 12]]).splitlines() == [
        "who    n",
        "────  ──",
        "林晓   3",
        "Emma  12",
    ]


def test_a_long_or_unprintable_cell_stays_one_short_line() -> None:
    cell = table(["text"], [["a\nb\x1b[31m" + "很" * 100]]).splitlines()
    assert len(cell) == 3
    assert "\x1b" not in cell[2]
    assert cell[2].endswith("…")
    assert len(cell[2]) < CELL_MOST


def test_formulas_are_disarmed_in_csv() -> None:
    text = as_csv(["text", "n"], [["=1+1", -5], ["@SUM(A1)", 2], ["-x", 1]])
    assert text.splitlines() == ["text,n", "'=1+1,-5", "'@SUM(A1),2", "'-x,1"]


@given(st.lists(st.tuples(st.text(), st.integers() | st.none()), max_size=10))
def test_json_and_csv_hold_every_row(rows: list[tuple[str, int | None]]) -> None:
    assert json.loads(as_json(["a", "b"], rows)) == [{"a": a, "b": b} for a, b in rows]
    assert len(list(csv.reader(io.StringIO(as_csv(["a", "b"], rows), newline="")))) == len(rows) + 1


def test_no_rows_still_name_the_columns() -> None:
    assert table(["a", "bc"], []).splitlines() == ["a  bc", "─  ──"]
    assert as_csv(["a", "bc"], []) == "a,bc"
    assert as_json(["a"], []) == "[]"
