"""Agents and invitations: people come by a link, and are changed or deactivated; nobody is deleted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import structlog
from msgspec import Meta, Struct, structs

from backbone import directory
from backbone.access import Reach
from backbone.directory import Agent, CustomRole, Invitation
from backbone.errors import ConflictError, NotFoundError
from backbone.ids import key_hash
from backbone.nats.buckets import Kept
from node.rest.contract import writing
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page, Paged, page
from node.rest.contract.requests import Name
from node.rest.settings import nouns, rules
from node.rest.settings.nouns import Noun, Removal, Why
from node.rest.signed_in import AgentAt

INVITATIONS_MOST: Final = 200
"""Open at once in a tenant."""

_log = structlog.get_logger("node.settings")


class AgentSettings(Struct, kw_only=True):
    """An agent. `seen`: when they last asked for something with a session that still counts (Unix seconds, 0: none)."""

    id: str
    name: str
    email: str
    role: str
    team: str
    teams: tuple[str, ...]
    inboxes: tuple[str, ...]
    reach: str
    capacity: int
    locale: str
    active: bool
    seen: int
    revision: int


class AgentIn(Struct, kw_only=True):
    """All that is changed of an agent. `reach`: which conversations they see; `teams` are those beside their own."""

    name: str
    role: str
    team: str
    teams: tuple[str, ...]
    inboxes: tuple[str, ...]
    reach: Reach
    capacity: Annotated[int, Meta(ge=0, le=100)]
    active: bool
    why: Why = ""


class InvitationAt(Struct):
    """One invitation."""

    invitation: Name


class NewInvitation(Struct, kw_only=True):
    """What somebody will be."""

    role: str
    team: str = ""
    why: Why = ""


class InvitationOut(Struct, kw_only=True):
    """An open invitation; `exp`: until when it counts (Unix seconds)."""

    id: str
    role: str
    team: str
    exp: int
    revision: int


class InvitationLink(InvitationOut, kw_only=True):
    """A new invitation with its link, which is told this once."""

    link: str


async def roles_of(ask: Ask) -> dict[str, CustomRole]:
    """The tenant's own roles by id."""
    return {one.id: one for one in await directory.list_all(ask.context.link, CustomRole, ask.who.tenant)}


async def open_invitations(ask: Ask) -> list[Kept[Invitation]]:
    """The tenant's, of which somebody can still make use."""
    return [one for one in await _invitations(ask) if one.value.exp >= time.time()]


async def _invitations(ask: Ask) -> list[Kept[Invitation]]:
    kept = await directory.directory(ask.context.link).all(f"{directory.SYSTEM}.invitation.*")
    return [
        Kept(one.key, one.value, one.revision)
        for one in kept
        if isinstance(one.value, Invitation) and one.value.tenant == ask.who.tenant
    ]


def link_to(ask: Ask, page: str, secret: str) -> str:
    """The address of a page of the console that makes use of a secret."""
    base = ask.context.settings.public_url or str(ask.request.base_url)
    return f"{base.rstrip('/')}/#/{page}/{secret}"


async def _rule(ask: Ask, before: Agent, after: Agent) -> None:
    who, custom = ask.who, await roles_of(ask)
    rules.check_power_over(who, rules.actions_of_role(before.role, custom))
    rules.check_own(who, before, after)
    if after.role != before.role:
        rules.check_given(who, rules.actions_of_role(after.role, custom), "role")
    if (after.reach, rules.reached(after)) != (before.reach, rules.reached(before)):
        rules.check_reach(who, after)
    if rules.is_owner(before) and not rules.is_owner(after):
        rules.check_owner_left(before, after, await directory.list_agents(ask.context.link, who.tenant))


async def _done(ask: Ask, before: Kept[Agent], after: Kept[Agent]) -> None:
    """Looks once more at who is left, since two owners may have deactivated each other at once; then ends sessions."""
    link, who = ask.context.link, ask.who
    if rules.is_owner(before.value) and not rules.is_owner(after.value):
        try:
            rules.check_owner_left(before.value, after.value, await directory.list_agents(link, who.tenant))
        except ConflictError:
            await writing.change(ask, "no owner was left", after, before.value)
            raise
    if before.value.active and not after.value.active:
        ended = await ask.context.sessions.end_all(who.tenant, after.value.id)
        _log.info("agent.deactivated", tenant=who.tenant, agent=after.value.id, by=who.id, ended=ended)


async def _seen(ask: Ask, kept: Sequence[Kept[Any]]) -> Mapping[str, Mapping[str, Any]]:
    found = await ask.context.sessions.seen(ask.who.tenant, kept[0].value.id if len(kept) == 1 else "*")
    return {one.value.id: {"seen": found.get(one.value.id, 0)} for one in kept}


AGENTS: Final = Noun(
    record=Agent,
    plural="agents",
    may="agent.manage",
    at=AgentAt,
    out=AgentSettings,
    changed=AgentIn,
    is_removed=False,
    rule=_rule,
    done=_done,
    also=_seen,
    refuses=(
        "agent.above_you",
        "agent.last_owner",
        "agent.name_long",
        "agent.name_missing",
        "agent.own_role",
        "id.token",
        "reach.above_yours",
        "role.above_yours",
    ),
)


@route(
    "GET",
    "/settings/invitations",
    may="agent.manage",
    query=Paged,
    answers={200: Page[InvitationOut]},
    name="settings.list_invitations",
)
async def list_invitations(ask: Ask, query: Paged) -> Page[InvitationOut]:
    """Open invitations, without their links; the one that ends last comes first."""
    kept = sorted(await open_invitations(ask), key=lambda one: (-one.value.exp, one.key))
    return page([_invitation(one) for one in kept], lambda one: one.id, query)


@route(
    "POST",
    "/settings/invitations",
    may="agent.manage",
    body=NewInvitation,
    answers={201: InvitationLink},
    refuses=("id.token", "invitation.too_many", "reach.above_yours", "record.invalid", "role.above_yours"),
    name="settings.create_invitation",
)
async def create_invitation(ask: Ask, body: NewInvitation) -> InvitationLink:
    """Makes a link by which somebody becomes an agent, once, within 24 hours."""
    link, who = ask.context.link, ask.who
    rules.check_inviting(who)
    rules.check_given(who, rules.actions_of_role(body.role, await roles_of(ask)), "role")
    before = await _invitations(ask)
    ended = [one for one in before if one.value.exp < time.time()]
    if len(before) - len(ended) >= INVITATIONS_MOST:
        raise ConflictError("invitation.too_many", f"{INVITATIONS_MOST} invitations are open; remove some.")
    for one in ended:
        # Nothing else takes them away.
        await writing.remove(ask, "ended", one)
    secret = await directory.invite(link, who.tenant, body.role, who.actor(), body.team, body.why)
    kept = await _find_invitation(ask, key_hash(secret))
    return InvitationLink(**structs.asdict(_invitation(kept)), link=link_to(ask, "join", secret))


@route(
    "DELETE",
    "/settings/invitations/{invitation}",
    may="agent.manage",
    at=InvitationAt,
    query=Removal,
    answers={204: None},
    refuses=("invitation.not_found",),
    tagged=True,
    name="settings.remove_invitation",
)
async def remove_invitation(ask: Ask, at: InvitationAt, query: Removal) -> None:
    """Its link opens nothing any more."""
    kept = await _find_invitation(ask, at.invitation)
    ask.check_match(kept.revision)
    await writing.remove(ask, query.why, kept)


async def _find_invitation(ask: Ask, identity: str) -> Kept[Invitation]:
    """Raises NotFoundError `invitation.not_found`."""
    found = next((one for one in await open_invitations(ask) if _id_of(one) == identity), None)
    if found is None:
        raise NotFoundError("invitation.not_found", "There is no such open invitation.", field="invitation")
    return found


def _invitation(kept: Kept[Invitation]) -> InvitationOut:
    one = kept.value
    return InvitationOut(id=_id_of(kept), role=one.role, team=one.team, exp=one.exp, revision=kept.revision)


def _id_of(kept: Kept[Invitation]) -> str:
    """The hash of its secret, which tells nothing about that."""
    return kept.key.rsplit(".", 1)[1]


ROUTES: Final = (*nouns.routes(AGENTS), list_invitations, create_invitation, remove_invitation)
