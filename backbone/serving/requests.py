"""Counts HTTP requests by route, method and status. A route is a template such as `/files/{signed}`, never a path."""

from __future__ import annotations

import time
from typing import Any, Final

import prometheus_client

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
NONE: Final = "none"

_requests = prometheus_client.Counter(
    "trunkline_http_requests",
    "HTTP requests answered: route as a template (none: no such route), status (none: who asked left before).",
    ["method", "route", "status"],
)
_seconds = prometheus_client.Histogram(
    "trunkline_http_request_seconds",
    "From a request's head to the end of its answer, by route.",
    ["route"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10),
)


def count(scope: Any, status: int, began: float) -> None:
    """One request that has ended; `status` 0 if it had no answer, `began` by `time.perf_counter`.

    Starlette leaves the route that it found in the scope.
    """
    route = getattr(scope.get("route"), "path", NONE)
    method = scope["method"] if scope["method"] in METHODS else OTHER
    _requests.labels(method, route, str(status) if status else NONE).inc()
    _seconds.labels(route).observe(time.perf_counter() - began)
