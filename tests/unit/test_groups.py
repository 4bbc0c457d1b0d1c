"""Tests that share servers run on one worker."""

from __future__ import annotations

import threading

from tests.harness.groups import group_of


def test_a_file_stays_together() -> None:
    file = "tests/integration/node/test_http.py"
    assert group_of(f"{file}::test_one") == group_of(f"{file}::test_two[a-b]") == file


def test_journeys_share_a_system_and_stay_together() -> None:
    assert group_of("tests/e2e/test_join.py::test_x") == group_of("tests/e2e/test_screens.py::test_y[en]")


def test_cases_of_one_channel_stay_together_and_those_of_others_elsewhere() -> None:
    inbound, outbound = "tests/conformance/test_inbound.py::test_01", "tests/conformance/test_outbound.py::test_12"
    assert group_of(f"{inbound}[telegram]") == group_of(f"{outbound}[telegram-500]")
    assert group_of(f"{inbound}[telegram]") != group_of(f"{inbound}[wechat]")


def test_tests_run_on_the_main_thread() -> None:
    """A process that a test starts ends with the thread that started it."""
    assert threading.current_thread() is threading.main_thread()
