"""How many sockets a process can hold, in processes that may open few files."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "most", "raised"),
    [
        (600, 600, 10_000, 269, 600),
        (300, 2000, 1000, 1000, 1356),
        (300, 2000, 10_000, 1644, 2000),
        (1500, 2000, 1000, 1000, 1500),
    ],
)
def test_as_many_sockets_as_files(soft: int, hard: int, wanted: int, most: int, raised: int) -> None:
    code = (
        f"import resource as r; r.setrlimit(r.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "from node.descriptors import raise_limit\n"
        f"print(raise_limit({wanted}, 100)[0], r.getrlimit(r.RLIMIT_NOFILE)[0])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == f"{most} {raised}"
