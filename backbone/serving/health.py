"""The port of health and metrics, which strangers don't reach: /healthz, /readyz, /metrics."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from backbone.serving import metrics
from backbone.serving.bounds import Bounds

BOUNDS: Final = Bounds(connections=100, address_connections=50, requests=50)
"""A flood of the node's own port doesn't reach this one."""

NO_STORE: Final = {"Cache-Control": "no-store"}

Check = Callable[[], str | None]
"""None if all is well, else one sentence about what isn't."""


def routes(name: str, checks: dict[str, Check], facts: dict[str, Any]) -> list[Route]:
    """`/healthz` (the process turns), `/readyz` (it can do its work now, with reasons).

    `facts` are told with readiness, such as what durability is in force.
    """

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"process": name, "alive": True}, headers=NO_STORE)

    async def readyz(_request: Request) -> Response:
        results = {check: problem() for check, problem in checks.items()}
        is_ready = bool(results) and not any(results.values())
        return JSONResponse(
            {
                "process": name,
                "ready": is_ready,
                "checks": {check: problem or "ok" for check, problem in results.items()},
                **facts,
            },
            status_code=200 if is_ready else 503,
            headers=NO_STORE,
        )

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def application(host: str, name: str, checks: dict[str, Check], facts: dict[str, Any]) -> Starlette:
    """What a process answers on its port of health and metrics, bound to `host`."""
    return behind_host(host, [*routes(name, checks, facts), metrics.route()])


def behind_host(host: str, answered: Sequence[BaseRoute]) -> Starlette:
    """An application that, bound to loopback, answers to loopback's own names alone."""
    guards = [Middleware(_OwnNames)] if is_loopback(host) else []
    return Starlette(routes=list(answered), middleware=guards)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _OwnNames:
    """Refuses a name that somebody pointed at this machine: a page in its browser would read as its user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_own(Request(scope).headers.get("host", "")):
            answer = JSONResponse(
                {"code": "host.unknown", "detail": "This port answers to localhost and addresses in figures."}, 421
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_own(host: str) -> bool:
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.lower() in {"", "localhost"}
    return True
