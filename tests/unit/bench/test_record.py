"""A run becomes a row; what people wrote stays as it is."""

from __future__ import annotations

from typing import Any

from tests.bench.record import HEADING, with_row

FACTS = {
    "cores": 2,
    "cpu": "Some CPU",
    "kernel": "6.1",
    "python": "3.11.7",
    "nats_server": "2.15.1",
    "chdb": "4.4.0",
}
ABOUT = {"date": "2026-11-24 12:00", "command": "make bench BENCH=post", "commit": "abcdef12", "load": "0.1"}
POST: dict[str, Any] = {
    "race": "post",
    "rate": 9000,
    "p99_ms": 41.5,
    "cpu_us": 150.0,
    "ratio": 0.757,
    "baseline": {"rate": 11890, "p99_ms": 50.1},
    "loadgen_cpu": 0.31,
    "void": False,
}
PAGE = "# Benchmarks\n\nWritten by hand | with a bar.\n\n## Findings\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_the_first_run_makes_its_table_and_names_its_machine() -> None:
    page = with_row(PAGE, POST, ABOUT, FACTS)
    assert page.startswith(PAGE)
    assert (
        "| date | command | commit | load | machine | messages/s | P99 ms | CPU us | prototype messages/s"
        " | prototype P99 ms | ratio | generator | void |"
    ) in page
    assert (
        "| 2026-11-24 12:00 | make bench BENCH=post | abcdef12 | 0.1 | M1 | 9,000 | 41.5 | 150 | 11,890 | 50.1"
        " | 0.76 | 31% | no |"
    ) in page
    assert "| M1 | 2 | Some CPU | 6.1 | 3.11.7 | 2.15.1 | 4.4.0 |" in page


def test_further_runs_are_added_below_and_the_machine_is_known_again() -> None:
    page = with_row(with_row(PAGE, POST, ABOUT, FACTS), POST | {"rate": 9100}, ABOUT, FACTS)
    rows = [line for line in page.splitlines() if "make bench BENCH=post" in line]
    assert ["| M1 | 9,000 |" in rows[0], "| M1 | 9,100 |" in rows[1], len(rows)] == [True, True, 2]
    assert page.count(HEADING) == 1
    assert "| M2 |" not in page


def test_another_machine_gets_another_letter() -> None:
    page = with_row(with_row(PAGE, POST, ABOUT, FACTS), POST, ABOUT, FACTS | {"cores": 8})
    assert "| M2 | 8 |" in page


def test_races_have_tables_of_their_own() -> None:
    idle = {"race": "idle", "sockets": 15000, "kb_per_socket": 27.53, "void": False}
    page = with_row(with_row(PAGE, POST, ABOUT, FACTS), idle, ABOUT, FACTS)
    assert "| 15,000 | 27.53 | no |" in page
    assert [line for line in page.splitlines() if line.startswith("### ")] == ["### idle", "### post", "### Machines"]


def test_a_new_column_leaves_older_rows_empty_there() -> None:
    page = with_row(with_row(PAGE, POST, ABOUT, FACTS), POST | {"p50_ms": 2.5}, ABOUT, FACTS)
    rows = [line for line in page.splitlines() if "| M1 | 9,000 |" in line]
    assert ["9,000 |  | 41.5" in rows[0], "9,000 | 2.5 | 41.5" in rows[1]] == [True, True]


def test_what_went_amiss_is_told() -> None:
    page = with_row(PAGE, POST | {"void": True, "amiss": {"lost": 7, "cut": {"a|b": 1}}}, ABOUT, FACTS)
    assert "| void | lost 7; cut {'a/b': 1} |\n" in page


def test_a_void_run_says_so() -> None:
    assert "| void |\n" in with_row(PAGE, POST | {"void": True}, ABOUT, FACTS)
