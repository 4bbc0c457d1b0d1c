"""Each case runs for every channel: `--channel NAME` picks one, also a third party's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.rig import Bench, running_bench
from tests.conformance.simulators import OURS


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--channel`: the channel to examine, again for several."""
    parser.addoption("--channel", action="append", help="Name of an installed channel. [default: all of ours]")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case once for each channel."""
    if "bench" in metafunc.fixturenames:
        names = metafunc.config.getoption("--channel", default=None) or OURS
        metafunc.parametrize("bench", names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A system with two replicas of the channel."""
    with running_bench(tmp_path_factory.mktemp(request.param), request.param) as running:
        yield running
