"""Tests that share servers run on one worker."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from tests.harness.groups import group_of, long_first


def test_a_file_stays_together() -> None:
    file = "tests/integration/node/test_http.py"
    assert group_of(f"{file}::test_one") == group_of(f"{file}::test_two[a-b]") == file


def test_journeys_share_a_system_and_stay_together() -> None:
    assert group_of("tests/e2e/test_join.py::test_x") == group_of("tests/e2e/test_screens.py::test_y[en]")


def test_cases_of_one_channel_stay_together_and_those_of_others_elsewhere() -> None:
    inbound, outbound = "tests/conformance/test_inbound.py::test_01", "tests/conformance/test_outbound.py::test_12"
    assert group_of(f"{inbound}[telegram]") == group_of(f"{outbound}[telegram-500]")
    assert group_of(f"{inbound}[telegram]") != group_of(f"{inbound}[wechat]")


def test_files_of_a_folder_follow_each_other_so_that_its_system_ends_with_it() -> None:
    """Shuffled, they were spread over the run, and a system that they share lived until its end."""
    shuffled = ("unit/test_a", "integration/node/test_b", "faults/test_c", "integration/node/test_d", "e2e/test_e")
    items: list[Any] = [SimpleNamespace(nodeid=f"tests/{name}.py::test_x") for name in shuffled]
    long_first(items)
    assert [item.nodeid.partition("/")[2].partition(".")[0] for item in items] == [
        "e2e/test_e",
        "integration/node/test_b",
        "integration/node/test_d",
        "faults/test_c",
        "unit/test_a",
    ]


def test_tests_run_on_the_main_thread() -> None:
    """A process that a test starts ends with the thread that started it."""
    assert threading.current_thread() is threading.main_thread()
