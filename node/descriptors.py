"""Descriptors: a node may hold as many sockets as the system lets it open files, and says so where that is less."""

from __future__ import annotations

import resource
from typing import Final

import structlog

KEPT_FREE: Final = 256
"""For the log, files, threads, HTTP requests."""

_log = structlog.get_logger("node.descriptors")


def raise_limit(wanted: int) -> int:
    """Raises the process's soft limit as far as it may; returns how many of `wanted` sockets it can hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + KEPT_FREE
    have = need if hard == resource.RLIM_INFINITY else min(need, hard)
    if soft != resource.RLIM_INFINITY and soft < have:
        resource.setrlimit(resource.RLIMIT_NOFILE, (have, hard))
    else:
        have = need if soft == resource.RLIM_INFINITY else soft
    most = max(1, min(wanted, have - KEPT_FREE))
    if most < wanted:
        _log.warning("sockets.fewer", wanted=wanted, possible=most, fix="raise the limit of open files (ulimit -n)")
    return most
