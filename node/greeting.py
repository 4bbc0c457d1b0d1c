"""`hello`: who a socket is, and what it is told first."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, NamedTuple

from starlette.websockets import WebSocket

from backbone import contacts, directory, presence
from backbone import events as ev
from backbone.access import Who
from backbone.clock import utc_ms
from backbone.errors import ForbiddenError, NotAuthenticatedError, NotFoundError
from backbone.nats import subjects
from backbone.signing import needs_renewal
from node import authenticate
from node.context import Context
from node.entry import referring
from node.entry.cookies import cookie_of
from node.entry.limits import TokenBucket
from node.entry.origins import is_foreign, network
from node.protocol import frames as f
from node.settings import NodeSettings

MOST_ATTACHMENTS: Final = 20
LOG_WITHIN_S: Final = 5.0
"""How long a `hello` waits for a node that has just started to reach its log."""


class Caller(NamedTuple):
    """What the handshake told, kept until `hello`: an agent's cookie, whose page asks, and from where (as limits count
    it).
    """

    cookie: str
    is_foreign: bool
    has_origin: bool
    address: str


class Greeted(NamedTuple):
    """Who it is, and the `welcome` to send."""

    who: Who
    frame: f.Welcome


def caller(websocket: WebSocket, settings: NodeSettings) -> Caller:
    """What `greet` needs of the handshake, so that nothing else of it need be kept."""
    return Caller(
        cookie=cookie_of(websocket, settings),
        is_foreign=is_foreign(websocket, settings.public_url),
        has_origin="origin" in websocket.headers,
        address=network(websocket),
    )


def source(context: Context, hello: f.Hello) -> ev.Source:
    """Where a visitor comes from, as far as their page told and may be kept."""
    allowed = referring.allowed_of(context.settings.page_parameters)
    return ev.Source(
        page=referring.kept(hello.page, allowed),
        referrer=referring.kept(hello.referrer, allowed),
        device=hello.client,
        locale=hello.locale,
    )


async def greet(context: Context, caller: Caller, hello: f.Hello, session: str) -> Greeted:
    """Authenticates a `hello` by its token, or by the handshake's cookie; so many at once, the others in turn.

    Raises NotAuthenticatedError, ForbiddenError `origin.foreign`, NotFoundError `inbox.not_found`, UnavailableError
    `log.unavailable`.
    """
    if caller.is_foreign:
        raise ForbiddenError("origin.foreign", "This page may not connect here.")
    async with context.greetings:
        if not context.link.is_open.is_set():
            # In a storm clients are there before the log is: sent away, each would come back once more.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.link.is_open.wait(), LOG_WITHIN_S)
        if hello.token:
            return await _visitor(context, hello, session)
        return await _agent(context, caller, session)


def rates(context: Context, who: Who, address: str) -> tuple[TokenBucket, ...]:
    """What limits the messages of a socket: those of its actor, and of its address where that tells clients apart."""
    settings, quotas, now = context.settings, context.quotas, time.monotonic()
    if who.kind == "agent":
        actor = quotas.bucket(f"{who.tenant}.{who.id}", settings.agent_rate, settings.agent_burst, now)
    else:
        actor = quotas.bucket(f"{who.tenant}.{who.id}", settings.visitor_rate, settings.visitor_burst, now)
    if not quotas.is_counted(address):
        return (actor,)
    return (actor, quotas.bucket(f"@{address}", settings.address_rate, settings.address_burst, now))


async def _visitor(context: Context, hello: f.Hello, session: str) -> Greeted:
    claims = await authenticate.claims_of(context, hello.token)
    who = await authenticate.visitor(context, claims)
    token = None
    if needs_renewal(claims, authenticate.life_of(context.settings, claims.user)):
        token = authenticate.renewed(context.signer, context.settings, claims)
    me = f.Me(kind="visitor", tenant=who.tenant, id=who.id, inbox=who.inbox, name=who.name)
    welcome = _welcome(context, session, me)
    welcome.open = await _open_conversation(context, who)
    welcome.token = token
    return Greeted(who, welcome)


async def _agent(context: Context, caller: Caller, session: str) -> Greeted:
    who = await context.sessions.find(caller.cookie)
    if not caller.has_origin:
        # A browser always names the page: a cookie without one is no browser's.
        raise NotAuthenticatedError("origin.missing", "Connections with a cookie must name their Origin.")
    agent = await directory.get_agent(context.link, who.tenant, who.id)
    state = await presence.chosen(context.log, who.tenant, who.id)
    if state is None or (state.state == "offline" and state.reason == presence.GONE):
        state = presence.state_event(
            who.tenant,
            who.id,
            "online",
            by=who.actor(),
            at=utc_ms(),
            reason=presence.CONNECTED,
            capacity=state.capacity if state else 0,
        )
        await context.log.publish(subjects.desk(who.tenant, who.id), state)
    me = f.Me(
        kind="agent",
        tenant=who.tenant,
        id=who.id,
        name=who.name,
        role=who.role,
        state=state.state,
        capacity=state.capacity or (agent.capacity if agent else 0),
    )
    return Greeted(who, _welcome(context, session, me))


async def _open_conversation(context: Context, who: Who) -> str | None:
    kept = await contacts.contacts(context.link).get(contacts.open_key(who.tenant, who.inbox, who.id))
    if kept is None or not isinstance(kept.value, contacts.OpenConversation):
        return None
    _, inbox = await context.inboxes.find(who.inbox)
    try:
        async with context.hub.visit(who.tenant, kept.value.conv) as room:
            is_over = directory.is_over(room.head, inbox, utc_ms())
            return None if is_over else kept.value.conv
    except NotFoundError:
        # Its key was set and its beginning never came; the next message completes it.
        return None


def _welcome(context: Context, session: str, me: f.Me) -> f.Welcome:
    settings = context.settings
    is_agent = me.kind == "agent"
    return f.Welcome(
        session=session,
        me=me,
        time=utc_ms(),
        heartbeat_s=settings.heartbeat_s,
        limits=f.Limits(
            frame_bytes=settings.frame_bytes,
            text_bytes=settings.text_bytes,
            conversations=settings.agent_conversations if is_agent else settings.visitor_conversations,
            attachments=MOST_ATTACHMENTS,
            file_bytes=settings.file_bytes,
        ),
    )
