"""Which names this node answers to: a page of another site whose name was pointed at this machine (DNS rebinding) asks
as itself, and would read what only this machine may, such as `/metrics`.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from node.rest.contract import problems
from node.settings import NodeSettings

LOOPBACK: Final = frozenset({"localhost"})
ANYBODY: Final = ("/healthz", "/readyz", "/hooks/", "/files/")
"""Paths that tell every name the same, or check a signature of their own: probes and platforms call by any name."""


class Hosts:
    """Refuses a request, or a socket's handshake, whose `Host` isn't one of ours."""

    def __init__(self, app: ASGIApp, settings: NodeSettings) -> None:
        self._app = app
        self._names = names_of(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] not in {"http", "websocket"} or self._is_ours(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "host.unknown"})
        else:
            refusal = problems.response(
                421,
                "host.unknown",
                "This isn't a name of this server: TRUNKLINE_NODE_PUBLIC_URL and TRUNKLINE_NODE_HOSTS say which are.",
            )
            await refusal(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        if scope["path"].startswith(ANYBODY):
            return True
        return is_ours(next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), ""), self._names)


def names_of(settings: NodeSettings) -> frozenset[str]:
    """The names beside loopback's and literal addresses, in lower case; `*`: any."""
    public = urlsplit(settings.public_url).hostname or ""
    listed = (part.strip().casefold() for part in settings.hosts.split(","))
    return frozenset({*LOOPBACK, public.casefold(), settings.host.casefold(), *listed} - {""})


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Whether a `Host` header names this node. An address in figures does: no name was pointed at it."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if "*" in names or name in names or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
