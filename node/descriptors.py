"""Descriptors: a node may hold as many sockets as the system lets it open files, and says so where that is less."""

from __future__ import annotations

import resource
from typing import Final

import structlog

KEPT_FREE: Final = 256
"""For the log, files, threads."""

_log = structlog.get_logger("node.descriptors")


def raise_limit(sockets: int, connections: int) -> tuple[int, int]:
    """Raises the process's soft limit as far as it may; returns how many sockets and HTTP connections it holds.

    Where files are few, HTTP connections have an eighth of them at most.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        connections = min(connections, hard // 8)
    free = KEPT_FREE + connections
    need = sockets + free
    have = need if hard == resource.RLIM_INFINITY else min(need, hard)
    if soft != resource.RLIM_INFINITY and soft < have:
        resource.setrlimit(resource.RLIMIT_NOFILE, (have, hard))
    else:
        have = need if soft == resource.RLIM_INFINITY else soft
    most = max(1, min(sockets, have - free))
    if most < sockets:
        _log.warning("sockets.fewer", wanted=sockets, possible=most, fix="raise the limit of open files (ulimit -n)")
    return most, connections
