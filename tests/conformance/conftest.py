"""Each case runs for every channel: `--channel NAME` picks one, also a third party's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.conformance.examples import EXAMPLES, installed
from tests.conformance.rig import Bench, running_bench
from tests.conformance.simulators import OURS

LONG: Final = ("test_04_", "test_12_", "test_13_", "test_14_")
"""Faults that a platform's own waits make long: each run has them for one channel, `make conformance` for all."""

ALWAYS: Final = "telegram"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--channel`: the channel to examine, again for several. `--simulator`: who plays its platform."""
    parser.addoption("--channel", action="append", help="Name of an installed channel. [default: all of ours]")
    parser.addoption("--simulator", default="", help="Its simulator, as module:Class. [default: the channel's own]")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case once for each channel."""
    if "bench" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--channel", default=None)
        names = [
            pytest.param(name, marks=pytest.mark.long)
            if not chosen and name != ALWAYS and metafunc.function.__name__.startswith(LONG)
            else name
            for name in chosen or (*OURS, *EXAMPLES)
        ]
        metafunc.parametrize("bench", names, indirect=True, scope="package")


@pytest.fixture(scope="package")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A system with two replicas of the channel, for all cases of it."""
    name: str = request.param
    environment = installed(name, tmp_path_factory.mktemp("example"))
    simulator = str(request.config.getoption("--simulator", default=""))
    with running_bench(tmp_path_factory.mktemp(name), name, simulator, environment) as running:
        yield running
