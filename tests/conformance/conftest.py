"""Each case runs for every channel: `--channel NAME` picks one, also a third party's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.conformance.rig import Bench, running_bench
from tests.conformance.simulators import OURS

ONE: Final = {
    "test_03_messages": "telegram",
    "test_03_a_state": "api",
    "test_04_": "telegram",
    "test_06_a_callback_that_somebody_kept": "wechat",
    "test_12_": "telegram",
    "test_13_": "telegram",
    "test_14_": "telegram",
    "test_16_a_text_of_exactly": "telegram",
    "test_17_what_the_platform": "wechat",
    "test_18_a_file_goes": "wechat",
    "test_18_a_file_that": "wechat",
    "test_18_a_file_of_a_customer": "wechat",
    "test_18_a_program": "wechat",
}
"""Cases that wait long, or are much the same for each channel: the one that has them in each run, by how they begin;
`make conformance` has them for all.
"""

FIRST: Final = ("telegram", "wechat")
"""Channels whose cases `make test` has: between them they poll and are called back, and give files both ways.
`make test-rest` has the others, each on a system of its own.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--channel`: the channel to examine, again for several. `--simulator`: who plays its platform."""
    parser.addoption("--channel", action="append", help="Name of an installed channel. [default: all of ours]")
    parser.addoption("--simulator", default="", help="Its simulator, as module:Class. [default: the channel's own]")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case once for each channel."""
    if "bench" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--channel", default=None)
        case = metafunc.function.__name__
        one = next((channel for begin, channel in ONE.items() if case.startswith(begin)), "")
        names = [pytest.param(name, marks=() if chosen else _tier(name, one)) for name in chosen or OURS]
        metafunc.parametrize("bench", names, indirect=True, scope="package")


def _tier(channel: str, one: str) -> list[pytest.MarkDecorator]:
    """The mark of a case for `channel`, where the channel `one` (empty: each) has it in each run."""
    if one and channel != one:
        return [pytest.mark.long]
    return [] if channel in FIRST else [pytest.mark.rest]


@pytest.fixture(scope="package")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A system with two replicas of the channel, for all cases of it."""
    name: str = request.param
    simulator = str(request.config.getoption("--simulator", default=""))
    with running_bench(tmp_path_factory.mktemp(name), name, simulator) as running:
        yield running
