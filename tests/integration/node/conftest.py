"""One system of two nodes for all files of this folder on a worker; conversations and visitors keep them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.system import EMMA, LIN, System, running_system


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two nodes, no adapters."""
    with running_system(tmp_path_factory.mktemp("system"), nodes=2, agents=(LIN, EMMA)) as running:
        yield running
