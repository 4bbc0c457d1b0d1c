"""Ports on loopback for servers that a test starts, and starts again where they were."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from typing import Final

LASTING_PORTS: Final = range(20_000, 32_000)
"""Below those that the system gives to outgoing connections: a dead server's port stays free for its return."""

_CHANCE: Final = random.SystemRandom()
"""Of its own: each test begins with the same seed of `random`, also in a worker beside this one."""

_given: set[int] = set()


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on now, that no client's end takes, and that neither this process nor a worker beside
    it gives away again.
    """
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    mine = LASTING_PORTS[int(worker.removeprefix("gw")) % int(workers) :: int(workers)]
    while True:
        port = _CHANCE.choice(mine)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
