"""Where somebody is signed in, and ending it: own sessions, an agent's for admins, a visitor's tokens for agents."""

from __future__ import annotations

import structlog
from msgspec import Struct

from backbone import contacts, directory
from backbone.directory import Agent
from backbone.errors import NotFoundError
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page, Paged, page
from node.rest.contract.requests import Contact, Name, Token

_log = structlog.get_logger("node.entry.sessions")


class SessionAt(Struct):
    """One session."""

    session: Token


class AgentAt(Struct):
    """One agent."""

    agent: Name


class AgentSessionAt(Struct):
    """One session of an agent."""

    agent: Name
    session: Token


class ContactAt(Struct):
    """One contact."""

    contact: Contact


class SessionOut(Struct, kw_only=True):
    """Where somebody is signed in: since when and when last seen (Unix seconds). `current`: the session that asks."""

    id: str
    began: int
    seen: int
    address: str
    current: bool


class Ended(Struct):
    """How many sessions were ended."""

    ended: int


@route("GET", "/sessions", may="profile.manage", query=Paged, answers={200: Page[SessionOut]})
async def list_own(ask: Ask, query: Paged) -> Page[SessionOut]:
    """Where the asking agent is signed in."""
    return await _listed(ask, ask.who.id, query)


@route("DELETE", "/sessions", may="profile.manage", answers={200: Ended})
async def end_others(ask: Ask) -> Ended:
    """Signs out everywhere but here."""
    return Ended(await ask.context.sessions.end_all(ask.who.tenant, ask.who.id, but=ask.who.session))


@route(
    "DELETE",
    "/sessions/{session}",
    may="profile.manage",
    at=SessionAt,
    answers={204: None},
    refuses=("session.not_found",),
)
async def end_own(ask: Ask, at: SessionAt) -> None:
    """Signs out there."""
    await ask.context.sessions.end(ask.who.tenant, ask.who.id, at.session)


@route(
    "GET",
    "/agents/{agent}/sessions",
    may="agent.manage",
    at=AgentAt,
    query=Paged,
    answers={200: Page[SessionOut]},
    refuses=("agent.not_found",),
)
async def list_of_agent(ask: Ask, at: AgentAt, query: Paged) -> Page[SessionOut]:
    """Where an agent is signed in."""
    agent = await _agent(ask, at.agent)
    return await _listed(ask, agent.id, query)


@route(
    "DELETE",
    "/agents/{agent}/sessions",
    may="agent.manage",
    at=AgentAt,
    answers={200: Ended},
    refuses=("agent.not_found",),
)
async def end_all_of_agent(ask: Ask, at: AgentAt) -> Ended:
    """Signs an agent out everywhere."""
    agent = await _agent(ask, at.agent)
    ended = await ask.context.sessions.end_all(ask.who.tenant, agent.id)
    _log.info("sessions.ended", tenant=ask.who.tenant, agent=agent.id, by=ask.who.id, ended=ended)
    return Ended(ended)


@route(
    "DELETE",
    "/agents/{agent}/sessions/{session}",
    may="agent.manage",
    at=AgentSessionAt,
    answers={204: None},
    refuses=("agent.not_found", "session.not_found"),
)
async def end_of_agent(ask: Ask, at: AgentSessionAt) -> None:
    """Signs an agent out there."""
    agent = await _agent(ask, at.agent)
    await ask.context.sessions.end(ask.who.tenant, agent.id, at.session)
    _log.info("sessions.ended", tenant=ask.who.tenant, agent=agent.id, by=ask.who.id, ended=1)


@route(
    "DELETE",
    "/contacts/{contact}/sessions",
    may="contact.sign_out",
    at=ContactAt,
    answers={204: None},
    refuses=("contact.not_found",),
)
async def end_tokens(ask: Ask, at: ContactAt) -> None:
    """The tokens that a visitor or app's user has count no longer.

    Their sockets are closed with 4401. A user of an app comes back by the company's token, an anonymous visitor as
    somebody new.
    """
    context, who = ask.context, ask.who
    if not await contacts.is_known(context.link, who.tenant, at.contact):
        raise NotFoundError("contact.not_found", "There is no such contact.", field="contact")
    await context.sessions.end_tokens(who.tenant, at.contact)
    _log.info("tokens.ended", tenant=who.tenant, contact=at.contact, by=who.id)


async def _agent(ask: Ask, agent: str) -> Agent:
    found = await directory.get_agent(ask.context.link, ask.who.tenant, agent)
    if found is None:
        raise NotFoundError("agent.not_found", "There is no such agent.", field="agent")
    return found


async def _listed(ask: Ask, agent: str, query: Paged) -> Page[SessionOut]:
    items = [
        SessionOut(
            id=kept.key.rsplit(".", 1)[1],
            began=kept.value.began,
            seen=kept.value.seen,
            address=kept.value.address,
            current=kept.key == ask.who.session,
        )
        for kept in await ask.context.sessions.of(ask.who.tenant, agent)
    ]
    return page(items, lambda one: one.id, query)
