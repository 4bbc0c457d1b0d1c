"""Another password by a link: made for an agent by whoever looks after agents, used once within 24 hours."""

from __future__ import annotations

import time
from typing import Final

import structlog
from msgspec import Struct, structs

from backbone import directory
from backbone.directory import RESET_LIFE_S, Agent, Reset
from backbone.errors import ConflictError, ForbiddenError, GoneError, InvalidInputError
from backbone.events import Actor
from backbone.ids import key_hash, new_secret
from backbone.nats.buckets import Kept, RevisionError
from node.entry.origins import address, network
from node.entry.passwords import check_password
from node.rest.contract.api import Ask, route
from node.rest.sessions import Identity, signed_in
from node.rest.settings import rules
from node.rest.settings.nouns import Why, find
from node.rest.settings.people import AGENTS, link_to, roles_of
from node.rest.signed_in import AgentAt

TRIES: Final = 3
"""Of storing the password beside others who change the same agent."""

_log = structlog.get_logger("node.settings")


class NewReset(Struct, kw_only=True):
    """Why it is needed."""

    why: Why = ""


class ResetLink(Struct, kw_only=True):
    """The link, which is told this once, and until when it counts (Unix seconds)."""

    link: str
    exp: int


class AcceptedReset(Struct):
    """The link's secret, and the password to be."""

    token: str
    password: str


@route(
    "POST",
    "/settings/agents/{agent}/reset",
    may="agent.manage",
    at=AgentAt,
    body=NewReset,
    answers={201: ResetLink},
    refuses=("agent.above_you", "agent.inactive", "agent.not_found", "agent.own_role", "bucket.unreadable"),
    name="settings.reset_agent",
)
async def create(ask: Ask, at: AgentAt, body: NewReset) -> ResetLink:
    """Makes a link by which an agent sets another password; the one before opens nothing any more. Until it is used the
    old password counts, and one that they set by themselves ends the link.
    """
    who = ask.who
    agent: Agent = (await find(ask, AGENTS, at.agent)).value
    if agent.id == who.id:
        # Whoever has somebody's session, but not their password, would have the account for good.
        raise ForbiddenError("agent.own_role", "Change your own password by the one that you have.", field="agent")
    rules.check_power_over(who, rules.actions_of_role(agent.role, await roles_of(ask)))
    if not agent.active:
        raise ConflictError("agent.inactive", "They are deactivated; activate them first.", field="agent")
    secret = new_secret()
    reset = Reset(
        id=agent.id,
        hash=key_hash(secret),
        exp=int(time.time()) + RESET_LIFE_S,
        former=directory.password_id(agent),
    )
    key = directory.key_of(who.tenant, reset)
    before = await directory.directory(ask.context.link).get(key)
    await directory.change(ask.context.link, who.actor(), body.why, key, reset, before.revision if before else 0)
    _log.info("agent.reset", tenant=who.tenant, agent=agent.id, by=who.id)
    return ResetLink(link=link_to(ask, "reset", f"{who.tenant}.{agent.id}.{secret}"), exp=reset.exp)


@route(
    "POST",
    "/resets/accept",
    may="public",
    body=AcceptedReset,
    answers={200: Identity},
    refuses=("agent.password_weak", "limit.rate", "record.changed", "reset.gone", "session.busy"),
    name="sessions.accept_reset",
)
async def accept(ask: Ask, body: AcceptedReset) -> Identity:
    """Uses up the link, sets the password, ends every session, signs in."""
    context, request = ask.context, ask.request
    context.logins.address(network(request), time.monotonic())
    check_password(body.password)
    tenant, reset, agent = await _opened(ask, body.token)
    share = network(request) if context.quotas.is_counted(network(request)) else ""
    hashed = await context.passwords.hash(body.password, share)
    changed = await _set(ask, reset, agent, hashed)
    await context.sessions.end_all(tenant, changed.id)
    _log.info("agent.password_changed", tenant=tenant, agent=changed.id, by="link")
    cookie = await context.sessions.begin(tenant, changed, address(request))
    return await signed_in(ask, cookie, tenant, changed)


async def _opened(ask: Ask, token: str) -> tuple[str, Kept[Reset], Kept[Agent]]:
    """The tenant, the record that a link opens, and its agent. Raises GoneError `reset.gone`."""
    link, parts = ask.context.link, token.split(".")
    if len(parts) != 3:
        raise _gone()
    try:
        kept = await directory.directory(link).get(directory.owned_key(parts[0], "reset", parts[1]))
    except InvalidInputError:
        raise _gone() from None
    reset = kept.value if kept else None
    if kept is None or not isinstance(reset, Reset):
        raise _gone()
    agent = await _agent(ask, directory.owned_key(parts[0], "agent", reset.id))
    if not reset.is_opened_by(parts[2], agent.value, time.time()):
        raise _gone()
    return parts[0], Kept(kept.key, reset, kept.revision), agent


async def _set(ask: Ask, reset: Kept[Reset], agent: Kept[Agent], hashed: str) -> Agent:
    """Uses up the link by compare-and-set, so that of two who press at once one has it, and stores the password.

    Raises GoneError `reset.gone`, ConflictError `record.changed` where the agent is being changed again and again.
    """
    link, by, why = ask.context.link, Actor("agent", agent.value.id, agent.value.name), "password set by a link"
    try:
        await directory.remove(link, by, why, reset.key, reset.revision)
    except RevisionError:
        raise _gone() from None
    for left in reversed(range(TRIES)):
        changed = structs.replace(agent.value, password=hashed)
        try:
            await directory.change(link, by, why, agent.key, changed, agent.revision)
        except directory.ChangedError:
            if not left:
                raise
            agent = await _agent(ask, agent.key)
        else:
            break
    return changed


async def _agent(ask: Ask, key: str) -> Kept[Agent]:
    """Raises GoneError `reset.gone` where there is none who may sign in."""
    kept = await directory.get_whole(ask.context.link, key)
    agent = kept.value if kept else None
    if kept is None or not isinstance(agent, Agent) or not agent.active:
        raise _gone()
    return Kept(kept.key, agent, kept.revision)


def _gone() -> GoneError:
    return GoneError("reset.gone", "The link was used already or has expired; ask for a new one.")


ROUTES: Final = (create, accept)
