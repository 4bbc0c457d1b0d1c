"""Each case runs for an adapter that follows the log: the one that `--adapter NAME` names, or a new one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.followers.rig import Rig
from tests.harness.installed import hidden, install, visible
from tests.harness.system import System
from trunkline import adapter_names
from trunkline.newadapter import write

NEW: Final = "counting"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--adapter`: the adapter to examine."""
    parser.addoption(
        "--adapter", default="", help="Name of an installed adapter. [default: one made from the template]"
    )


@pytest.fixture(scope="package")
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A system with two processes of the adapter, for all cases of it."""
    name = str(request.config.getoption("--adapter", default="")) or NEW
    folder = tmp_path_factory.mktemp("follower")
    system = System(folder)
    environment: dict[str, str] = {}
    if name not in adapter_names.others():
        assert name == NEW, f"no adapter {name} is installed"
        write(NEW, folder / NEW)
        environment = install(folder / NEW, folder / "installed")
        visible(environment)
        system.more |= environment
    try:
        yield Rig(system, name).start()
    finally:
        system.end()
        hidden(environment)
