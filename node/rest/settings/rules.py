"""What a change of settings may be, beyond each record's own check: pure. Each function raises the refusal.

Nobody gets or gives more than they have: roles, reach, and power over colleagues are compared with the asking one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from backbone.access import ACTIONS, ROLES, Who, actions_of
from backbone.directory import Agent, CustomRole, Inbox, Invitation, Team
from backbone.errors import ConflictError, ForbiddenError, InvalidInputError

OWNER: Final = "owner"
RESERVED: Final = frozenset({"actions"})
"""Ids that no role may have: the path beside `/settings/roles/{role}` has it."""


def actions_of_role(role: str, custom: Mapping[str, CustomRole]) -> frozenset[str]:
    """What a role allows; nothing, of one that isn't there. `custom`: the tenant's own roles by id."""
    if role in ROLES:
        return ROLES[role]
    return frozenset(custom[role].actions) & ACTIONS if role in custom else frozenset()


def check_given(who: Who, actions: Iterable[str], field: str) -> None:
    """A role is made, changed or given with actions alone that `who` has. Raises ForbiddenError `role.above_yours`."""
    if lacking := sorted(frozenset(actions) - actions_of(who)):
        raise ForbiddenError(
            "role.above_yours", f"You can't give what you may not do yourself: {', '.join(lacking)}.", field=field
        )


def check_power_over(who: Who, actions: frozenset[str]) -> None:
    """Somebody is changed by those alone who may do all that they may. Raises ForbiddenError `agent.above_you`."""
    if not actions <= actions_of(who):
        raise ForbiddenError(
            "agent.above_you", "Their role allows more than yours; ask somebody whose role allows as much."
        )


def check_own(who: Who, before: Agent, after: Agent) -> None:
    """Nobody changes their own role or reach, or deactivates themselves. Raises ForbiddenError `agent.own_role`."""
    if before.id != who.id:
        return
    for field in ("role", "reach", "active"):
        if getattr(before, field) != getattr(after, field):
            raise _own(field)
    if reached(before) != reached(after):
        raise _own(before.reach)


def check_own_role(who: Who, before: CustomRole | None) -> None:
    """Nobody changes the role that they have. Raises ForbiddenError `agent.own_role`."""
    if before is not None and who.role == before.id:
        raise _own("actions")


def check_reach(who: Who, after: Agent) -> None:
    """Nobody's reach is made wider than that of `who`. Raises ForbiddenError `reach.above_yours`."""
    if who.reach == "all" or after.reach == "own":
        return
    own = frozenset(who.teams if who.reach == "teams" else who.inboxes if who.reach == "inboxes" else ())
    if after.reach != who.reach or not reached(after) <= own:
        raise ForbiddenError(
            "reach.above_yours", "You can't let anybody look at conversations that you don't see.", field="reach"
        )


def check_inviting(who: Who) -> None:
    """Whom an invitation makes sees everything: who doesn't, invites nobody.

    Raises ForbiddenError `reach.above_yours`.
    """
    if who.reach != "all":
        raise ForbiddenError("reach.above_yours", "Only those who see all conversations invite others.", field="reach")


def reached(agent: Agent) -> frozenset[str]:
    """The teams or inboxes that an agent's reach counts; none of one that counts neither."""
    if agent.reach == "teams":
        return frozenset({agent.team, *agent.teams} - {""})
    return frozenset(agent.inboxes if agent.reach == "inboxes" else ())


def is_owner(agent: Agent | None) -> bool:
    """Whether they are an owner who can sign in."""
    return agent is not None and agent.active and agent.role == OWNER


def check_owner_left(before: Agent, after: Agent, agents: Iterable[Agent]) -> None:
    """A tenant that has an active owner keeps one. Raises ConflictError `agent.last_owner`."""
    if is_owner(before) and not is_owner(after) and not any(is_owner(one) for one in agents if one.id != before.id):
        raise ConflictError(
            "agent.last_owner", "They are the last owner; make somebody else an owner first.", field="role"
        )


def check_role_id(role: CustomRole) -> None:
    """Raises InvalidInputError `record.invalid` for an id that is part of a path."""
    if role.id in RESERVED:
        raise InvalidInputError("record.invalid", "This id is taken by the API; give another.", field="id")


def uses_of_team(
    team: str, agents: Iterable[Agent], inboxes: Iterable[Inbox], invitations: Iterable[Invitation]
) -> dict[str, int]:
    """How many of what have a team."""
    return {
        "agents": sum(team == one.team or team in one.teams for one in agents),
        "inboxes": sum(team == one.team for one in inboxes),
        "invitations": sum(team == one.team for one in invitations),
    }


def uses_of_calendar(calendar: str, teams: Iterable[Team]) -> dict[str, int]:
    """How many teams keep a calendar."""
    return {"teams": sum(calendar == one.calendar for one in teams)}


def uses_of_role(role: str, agents: Iterable[Agent], invitations: Iterable[Invitation]) -> dict[str, int]:
    """How many of what have a role."""
    return {
        "agents": sum(role == one.role for one in agents),
        "invitations": sum(role == one.role for one in invitations),
    }


def check_unused(uses: Mapping[str, int]) -> None:
    """What is used isn't removed. Raises ConflictError `record.in_use` that says by how many of what."""
    found = [f"{count} {_WORDS[what][count > 1]}" for what, count in uses.items() if count]
    if found:
        raise ConflictError("record.in_use", f"It is used by {' and '.join(found)}; change these first.")


_WORDS: Final = {
    "agents": ("agent", "agents"),
    "inboxes": ("inbox", "inboxes"),
    "invitations": ("open invitation", "open invitations"),
    "teams": ("team", "teams"),
}


def _own(field: str) -> ForbiddenError:
    return ForbiddenError("agent.own_role", "Somebody else must change this of yours.", field=field)
