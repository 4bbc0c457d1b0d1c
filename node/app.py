"""Routes, wiring only."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from backbone.errors import TrunklineError
from backbone.process.service import Service
from backbone.serving import health as http_health
from node import greeting, static
from node.context import Context
from node.protocol.connection import take_over
from node.protocol.frames import RESTART, SUBPROTOCOL, TOO_MANY
from node.rest import (
    accounts,
    agents,
    channels,
    conversations,
    files,
    hooks,
    inboxes,
    mail,
    problems,
    reports,
    sessions,
    signed_in,
    templates,
    visitors,
)
from node.rest.hosts import Hosts
from node.socket import Socket


def build(service: Service, context: Context) -> Starlette:
    """The node's application."""
    routes = [
        *http_health.routes(service.name, service.checks, service.facts),
        WebSocketRoute("/ws", _websocket),
        Route("/api/v1/session", sessions.sign_in, methods=["POST"]),
        Route("/api/v1/session", sessions.sign_out, methods=["DELETE"]),
        Route("/api/v1/invitations/accept", sessions.join, methods=["POST"]),
        Route("/api/v1/me", sessions.me),
        Route("/api/v1/me/password", signed_in.change_password, methods=["PUT"]),
        Route("/api/v1/sessions", signed_in.list_own),
        Route("/api/v1/sessions", signed_in.end_others, methods=["DELETE"]),
        Route("/api/v1/sessions/{session}", signed_in.end_own, methods=["DELETE"]),
        Route("/api/v1/agents/{agent}/sessions", signed_in.list_of_agent),
        Route("/api/v1/agents/{agent}/sessions", signed_in.end_all_of_agent, methods=["DELETE"]),
        Route("/api/v1/agents/{agent}/sessions/{session}", signed_in.end_of_agent, methods=["DELETE"]),
        Route("/api/v1/contacts/{contact}/sessions", signed_in.end_tokens, methods=["DELETE"]),
        Route("/api/v1/agents", agents.list_agents),
        Route("/api/v1/inboxes", inboxes.list_inboxes),
        Route("/api/v1/inboxes", accounts.create, methods=["POST"]),
        Route("/api/v1/inboxes/{inbox}", accounts.read),
        Route("/api/v1/inboxes/{inbox}", accounts.change, methods=["PUT"]),
        Route("/api/v1/inboxes/{inbox}", accounts.remove, methods=["DELETE"]),
        Route("/api/v1/inboxes/{inbox}/check", accounts.check, methods=["POST"]),
        Route("/api/v1/inboxes/{inbox}/retry", accounts.retry, methods=["POST"]),
        Route("/api/v1/channels", channels.list_channels),
        Route("/api/v1/channels/{name}", channels.channel),
        Route("/api/v1/channels/{name}/guide", channels.guide),
        Route("/api/v1/inboxes/{inbox}/templates", templates.list_templates),
        Route("/api/v1/conversations/{conv}/template", templates.send, methods=["POST"]),
        Route("/api/v1/inboxes/{inbox}/widget", inboxes.widget),
        Route("/api/v1/visitors", visitors.create, methods=["POST"]),
        Route("/api/v1/visitors/devices/{token}", visitors.register_device, methods=["PUT"]),
        Route("/api/v1/visitors/devices/{token}", visitors.drop_device, methods=["DELETE"]),
        Route("/api/v1/conversations", conversations.list_conversations),
        Route("/api/v1/conversations/{conv}/events", conversations.list_events),
        Route("/api/v1/conversations/{conv}/files/{seq}/{n}", conversations.open_file),
        Route("/api/v1/conversations/{conv}/mail/{seq}", mail.original),
        Route("/api/v1/files", files.upload, methods=["POST"]),
        Route("/files/{signed}", files.download),
        Route("/api/v1/search/messages", reports.search_messages),
        Route("/api/v1/reports/overview", reports.overview),
        Route("/hooks/{channel}/{inbox}", hooks.callback, methods=["GET", "POST"]),
        Route("/hooks/{channel}/{inbox}/{rest:path}", hooks.callback, methods=["GET", "POST"]),
        Route("/", static.desk),
        Route("/w.js", static.loader),
        Route("/w/{inbox}", static.hosted),
        Route("/widget/{inbox}", static.frame),
        Route("/assets/{path:path}", static.asset),
        *([Route("/demo/{path:path}", static.demo)] if context.settings.demo else []),
    ]
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
