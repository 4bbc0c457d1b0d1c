"""Fixtures of all tests: uvloop, no blocking call inside our coroutines, servers that live for one test. And how the
tests are spread over several workers.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from backbone.outside import guard
from backbone.process.logging import configure
from backbone.settings import Common
from tests.harness.groups import long_first
from tests.harness.nats import NatsServer, running_nats

# Bytecode is cached whatever the caller's environment says: without .pyc files each process that a test starts compiles
# every module again, 0.7 s of the 1.2 s that a node's imports take.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How fast a machine draws inputs says nothing of what is tried.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole groups for each worker of pytest-xdist; without workers nobody asks."""
    from tests.harness.spread import Spread  # noqa: PLC0415 - the suite of a channel runs without pytest-xdist too

    return Spread(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were shuffled."""
    long_first(items)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Async tests run on the loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True, scope="session")
def _logs() -> None:
    """Logs as production writes them: the console's traceback would read source files inside the loop."""
    configure("test", Common(log_format="json", log_level="warning"))


@pytest.fixture(autouse=True, scope="session")
def _simulators_may_be_called() -> Iterator[None]:
    """Platforms run on this machine, as an operator allows it; a test of what isn't allowed says so itself."""
    guard.allow("127.0.0.0/8,::1")
    yield
    guard.allow("")


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """A call that blocks the event loop inside one of our packages fails the test."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    with blockbuster_ctx(["backbone", "node", "adapters"]):
        yield


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A nats-server of this test alone."""
    with running_nats(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def nats_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server for the tests of one file, which keep apart by tenant."""
    with running_nats(tmp_path_factory.mktemp("nats")) as server:
        yield server
