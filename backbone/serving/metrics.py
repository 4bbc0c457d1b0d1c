"""Series that every process has, and the text of all of its series as Prometheus reads it.

All series of a process are in `prometheus_client`'s registry; docs/metrics.md lists each one of the code.
"""

from __future__ import annotations

import asyncio
import platform
from importlib.metadata import version
from typing import Final

import prometheus_client
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LOOK_EVERY_S: Final = 0.5
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# A second series for each counter and histogram, with the time it was made: nobody asks for it.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

_tasks = prometheus_client.Gauge("trunkline_tasks", "Tasks of the event loop.")
_lag = prometheus_client.Histogram(
    "trunkline_event_loop_lag_seconds",
    "How much later than asked for the event loop woke a task, looked at twice a second.",
    buckets=BUCKETS,
)
_build = prometheus_client.Gauge(
    "trunkline_build_info", "1, with the version of Trunkline and of Python.", ["version", "python"]
)
_build.labels(version("trunkline"), platform.python_version()).set(1)


def text() -> bytes:
    """All series of this process. Reads /proc: blocks for about a millisecond."""
    return prometheus_client.generate_latest()


def route() -> Route:
    """`/metrics`: on the port of health and metrics alone, never on one that strangers reach."""

    async def metrics(_request: Request) -> Response:
        _tasks.set(len(asyncio.all_tasks()))
        return Response(await asyncio.to_thread(text), media_type=prometheus_client.CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)


async def watch_loop() -> None:
    """Keeps the lag of this loop, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_EVERY_S
        await asyncio.sleep(LOOK_EVERY_S)
        _lag.observe(max(0.0, loop.time() - due))
