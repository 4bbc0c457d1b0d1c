"""Routes, wiring only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from backbone.errors import TrunklineError
from backbone.process.service import Service
from backbone.serving import health as http_health
from node import greeting, static
from node.context import Context
from node.protocol.connection import take_over
from node.protocol.frames import RESTART, SUBPROTOCOL, TOO_MANY
from node.rest import hooks
from node.rest.contract import problems
from node.rest.contract.api import is_declared
from node.rest.hosts import Hosts
from node.rest.table import ROUTES
from node.socket import Socket

OPEN: Final = frozenset(
    {
        "/hooks/{channel}/{inbox}",
        "/hooks/{channel}/{inbox}/{rest:path}",
        "/",
        "/w.js",
        "/w/{inbox}",
        "/widget/{inbox}",
        "/assets/{path:path}",
        "/demo/{path:path}",
        "/healthz",
        "/readyz",
    }
)
"""Paths beside the REST API that ask nobody: pages, probes, and callbacks, whose signature their channel checks."""


def refuse_unguarded(routes: Sequence[BaseRoute]) -> None:
    """Raises TypeError for a route that is neither declared, which says who may ask, nor one of `OPEN`."""
    for one in routes:
        if isinstance(one, Route) and not is_declared(one) and one.path not in OPEN:
            raise TypeError(f"{one.path} says nowhere who may ask: declare it with @route")


def build(service: Service, context: Context) -> Starlette:
    """The node's application."""
    routes = [
        *http_health.routes(service.name, service.checks, service.facts),
        WebSocketRoute("/ws", _websocket),
        *(one.mounted() for one in ROUTES),
        Route("/hooks/{channel}/{inbox}", hooks.callback, methods=["GET", "POST"]),
        Route("/hooks/{channel}/{inbox}/{rest:path}", hooks.callback, methods=["GET", "POST"]),
        Route("/", static.desk),
        Route("/w.js", static.loader),
        Route("/w/{inbox}", static.hosted),
        Route("/widget/{inbox}", static.frame),
        Route("/assets/{path:path}", static.asset),
        *([Route("/demo/{path:path}", static.demo)] if context.settings.demo else []),
    ]
    refuse_unguarded(routes)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Hosts, settings=context.settings)],
        exception_handlers={
            TrunklineError: problems.on_trunkline_error,
            HTTPException: problems.on_http_exception,
            ClientDisconnect: problems.on_disconnect,
            Exception: problems.on_any_error,
        },
    )
    app.state.context = context
    app.state.service = service
    return app


async def _websocket(websocket: WebSocket) -> None:
    context: Context = websocket.app.state.context
    service: Service = websocket.app.state.service
    settings = context.settings
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    connection, early = take_over(websocket, settings.frame_bytes, settings.unsent_bytes)
    # Refusals come after accepting: browsers hide the reason of a refused handshake.
    if service.stopping.is_set():
        connection.close(RESTART, "the node is leaving")
    elif len(context.sockets) >= settings.sockets:
        connection.close(TOO_MANY, "the node is full; try again in some seconds")
    else:
        socket = Socket(context, connection, greeting.caller(websocket, settings))
        connection.begin(socket, early)
