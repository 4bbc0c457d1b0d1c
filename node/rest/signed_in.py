"""Where somebody is signed in, and ending it: own sessions, an agent's for admins, a visitor's tokens for agents."""

from __future__ import annotations

import time
from typing import Any

import structlog
from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import Response

from backbone import contacts, directory
from backbone.access import Who
from backbone.directory import Agent
from backbone.errors import NotAuthenticatedError, NotFoundError, TrunklineError
from backbone.ids import check_contact, check_name
from backbone.nats import subjects
from node.entry.origins import network
from node.rest.requests import NO_STORE, agent_asks, answer, body_of, context_of

_log = structlog.get_logger("node.entry.sessions")


class NewPassword(Struct):
    """The password there is, and the one to be."""

    password: str
    new_password: str


async def list_own(request: Request) -> Response:
    """`GET /api/v1/sessions`: where the asking agent is signed in; `current` is the session that asks."""
    who = await agent_asks(request, "profile.manage")
    return answer({"items": await _listed(request, who, who.id), "next": None})


async def end_others(request: Request) -> Response:
    """`DELETE /api/v1/sessions`: signs out everywhere but here; {ended}."""
    who = await agent_asks(request, "profile.manage")
    ended = await context_of(request).sessions.end_all(who.tenant, who.id, but=who.session)
    return answer({"ended": ended})


async def end_own(request: Request) -> Response:
    """`DELETE /api/v1/sessions/{session}`: 204."""
    who = await agent_asks(request, "profile.manage")
    await context_of(request).sessions.end(who.tenant, who.id, request.path_params["session"])
    return Response(status_code=204, headers=NO_STORE)


async def list_of_agent(request: Request) -> Response:
    """`GET /api/v1/agents/{agent}/sessions`: for admins."""
    who = await agent_asks(request, "agent.manage")
    agent = await _agent(request, who)
    return answer({"items": await _listed(request, who, agent.id), "next": None})


async def end_all_of_agent(request: Request) -> Response:
    """`DELETE /api/v1/agents/{agent}/sessions`: for admins; {ended}."""
    who = await agent_asks(request, "agent.manage")
    agent = await _agent(request, who)
    ended = await context_of(request).sessions.end_all(who.tenant, agent.id)
    _log.info("sessions.ended", tenant=who.tenant, agent=agent.id, by=who.id, ended=ended)
    return answer({"ended": ended})


async def end_of_agent(request: Request) -> Response:
    """`DELETE /api/v1/agents/{agent}/sessions/{session}`: for admins; 204."""
    who = await agent_asks(request, "agent.manage")
    agent = await _agent(request, who)
    await context_of(request).sessions.end(who.tenant, agent.id, request.path_params["session"])
    _log.info("sessions.ended", tenant=who.tenant, agent=agent.id, by=who.id, ended=1)
    return Response(status_code=204, headers=NO_STORE)


async def end_tokens(request: Request) -> Response:
    """`DELETE /api/v1/contacts/{contact}/sessions`: the tokens that a visitor or app's user has count no longer; 204.

    Their sockets are closed with 4401. A user of an app comes back by the company's token, an anonymous visitor as
    somebody new.
    """
    context, who = context_of(request), await agent_asks(request, "contact.sign_out")
    contact = check_contact(request.path_params["contact"])
    if not await contacts.is_known(context.link, who.tenant, contact):
        raise NotFoundError("contact.not_found", "There is no such contact.", field="contact")
    await context.sessions.end_tokens(who.tenant, contact)
    _log.info("tokens.ended", tenant=who.tenant, contact=contact, by=who.id)
    return Response(status_code=204, headers=NO_STORE)


async def change_password(request: Request) -> Response:
    """`PUT /api/v1/me/password`: 204; every other session ends. Guesses count as at the sign-in."""
    context, who = context_of(request), await agent_asks(request, "profile.manage")
    body = await body_of(request, NewPassword)
    kept = await directory.get_whole(context.link, subjects.key(who.tenant, "agent", who.id))
    if kept is None or not isinstance(kept.value, Agent):
        raise NotAuthenticatedError("session.expired", "Sign in again.")
    agent, share = kept.value, who.id
    attempt = context.logins.attempt(agent.email, network(request), time.monotonic())
    attempt.waited()
    try:
        is_right = await context.passwords.matches(agent.password, body.password, share, is_known=True)
    except TrunklineError:
        attempt.undo()
        raise
    if not is_right:
        raise NotAuthenticatedError("session.bad_credentials", "The password is wrong.", field="password")
    attempt.was_right()
    changed = structs.replace(agent, password=await context.passwords.hash(body.new_password, share))
    # The session that asks first, or the nodes that watch the directory would end it with the others.
    await context.sessions.keep_with(who.session, changed)
    await directory.change(context.link, who.actor(), "", kept.key, changed, kept.revision)
    await context.sessions.end_all(who.tenant, who.id, but=who.session)
    _log.info("agent.password_changed", tenant=who.tenant, agent=who.id)
    return Response(status_code=204, headers=NO_STORE)


async def _agent(request: Request, who: Who) -> Agent:
    agent = await directory.get_agent(
        context_of(request).link, who.tenant, check_name(request.path_params["agent"], "agent")
    )
    if agent is None:
        raise NotFoundError("agent.not_found", "There is no such agent.", field="agent")
    return agent


async def _listed(request: Request, who: Who, agent: str) -> list[dict[str, Any]]:
    return [
        {
            "id": kept.key.rsplit(".", 1)[1],
            "began": kept.value.began,
            "seen": kept.value.seen,
            "address": kept.value.address,
            "current": kept.key == who.session,
        }
        for kept in await context_of(request).sessions.of(who.tenant, agent)
    ]
