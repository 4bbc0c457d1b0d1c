"""Teams, inboxes, business calendars, skills and roles: a declaration each."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from backbone import directory
from backbone.access import ACTIONS, ROLES, actions_of
from backbone.accounts.wanted import WEB
from backbone.directory import (
    REOPEN_WINDOW_S,
    Agent,
    Calendar,
    CustomRole,
    Inbox,
    Skill,
    SpecialDay,
    Team,
    WeeklyHours,
)
from backbone.directory.calendar import zones
from backbone.directory.inbox import REOPEN_WINDOW_MOST_S
from backbone.nats.buckets import KeyExistsError
from node.entry.origins import checked_origins
from node.rest.accounts import InboxAt
from node.rest.contract.api import Ask, route
from node.rest.contract.requests import Name
from node.rest.settings import nouns, rules
from node.rest.settings.nouns import Noun, Why
from node.rest.settings.people import open_invitations

OpensOn = Literal["asked", "entered", "never"]
Id = Annotated[str, Meta(max_length=64, description="1 to 64 of A-Z a-z 0-9 _ and -; one is made where it is empty")]


class TeamAt(Struct):
    """One team."""

    team: Name


class TeamIn(Struct, kw_only=True):
    """All that is changed of a team. `calendar`: when it works; empty: always."""

    name: str
    calendar: str
    why: Why = ""


class NewTeam(Struct, kw_only=True):
    """A team to be."""

    id: Id = ""
    name: str
    calendar: str = ""
    why: Why = ""


class TeamOut(Struct, kw_only=True):
    """A team."""

    id: str
    name: str
    calendar: str
    revision: int


class CalendarAt(Struct):
    """One business calendar."""

    calendar: Name


class CalendarIn(Struct, kw_only=True):
    """All that is changed of a business calendar."""

    name: str
    zone: str
    week: tuple[WeeklyHours, ...]
    special: tuple[SpecialDay, ...]
    why: Why = ""


class NewCalendar(Struct, kw_only=True):
    """A business calendar to be."""

    id: Id = ""
    name: str
    zone: str
    week: tuple[WeeklyHours, ...] = ()
    special: tuple[SpecialDay, ...] = ()
    why: Why = ""


class CalendarOut(Struct, kw_only=True):
    """A business calendar: hours of the week and special days in one time zone."""

    id: str
    name: str
    zone: str
    week: tuple[WeeklyHours, ...]
    special: tuple[SpecialDay, ...]
    revision: int


class SkillAt(Struct):
    """One skill."""

    skill: Name


class SkillIn(Struct, kw_only=True):
    """All that is changed of a skill."""

    name: str
    why: Why = ""


class NewSkill(Struct, kw_only=True):
    """A skill to be."""

    id: Id = ""
    name: str
    why: Why = ""


class SkillOut(Struct, kw_only=True):
    """A skill."""

    id: str
    name: str
    revision: int


class RoleAt(Struct):
    """One of the tenant's own roles."""

    role: Name


class RoleIn(Struct, kw_only=True):
    """All that is changed of a role."""

    name: str
    actions: tuple[str, ...]
    why: Why = ""


class NewRole(Struct, kw_only=True):
    """A role to be."""

    id: Id = ""
    name: str
    actions: tuple[str, ...] = ()
    why: Why = ""


class RoleOut(Struct, kw_only=True):
    """One of the tenant's own roles."""

    id: str
    name: str
    actions: tuple[str, ...]
    revision: int


class BuiltIn(Struct, kw_only=True):
    """A role that every tenant has."""

    id: str
    actions: list[str]


class ActionsOut(Struct, kw_only=True):
    """Every action there is, the roles that every tenant has, and `yours`: what the asking agent may do."""

    actions: list[str]
    roles: list[BuiltIn]
    yours: list[str]


class InboxIn(Struct, kw_only=True):
    """All that is changed here of an inbox. `reopen_window_s`: how long after it was resolved a conversation is
    reopened by what its customer writes. `opens_on`: what opens a conversation beside a message (what asks for
    somebody, whoever comes in, nothing); without, it stays as it is.
    """

    name: str
    greeting: str
    origins: tuple[str, ...]
    accent: str
    locale: str
    reopen_window_s: Annotated[int, Meta(ge=0, le=REOPEN_WINDOW_MOST_S)]
    team: str
    opens_on: OpensOn | UnsetType = UNSET
    why: Why = ""


class NewWebInbox(Struct, kw_only=True):
    """An inbox of the widget to be."""

    id: Id = ""
    name: str
    greeting: str = ""
    origins: tuple[str, ...] = ("*",)
    accent: str = "#0A6B62"
    locale: str = ""
    reopen_window_s: Annotated[int, Meta(ge=0, le=REOPEN_WINDOW_MOST_S)] = REOPEN_WINDOW_S
    team: str = ""
    opens_on: OpensOn = "asked"
    why: Why = ""


class InboxSettings(Struct, kw_only=True):
    """An inbox, but for its account on a channel."""

    id: str
    channel: str
    name: str
    greeting: str
    origins: tuple[str, ...]
    accent: str
    locale: str
    reopen_window_s: int
    team: str
    opens_on: str
    revision: int


async def _team_rule(ask: Ask, before: Team | None, after: Team | None) -> None:
    if before is not None and after is None:
        link, tenant = ask.context.link, ask.who.tenant
        rules.check_unused(
            rules.uses_of_team(
                before.id,
                await directory.list_all(link, Agent, tenant),
                await directory.list_all(link, Inbox, tenant),
                [one.value for one in await open_invitations(ask)],
            )
        )


async def _calendar_rule(ask: Ask, before: Calendar | None, after: Calendar | None) -> None:
    if before is not None and after is None:
        teams = await directory.list_all(ask.context.link, Team, ask.who.tenant)
        rules.check_unused(rules.uses_of_calendar(before.id, teams))


async def _role_rule(ask: Ask, before: CustomRole | None, after: CustomRole | None) -> None:
    custom = {one.id: one for one in (before,) if one is not None}
    rules.check_given(ask.who, rules.actions_of_role(before.id, custom) if before else (), "actions")
    rules.check_own_role(ask.who, before)
    if after is not None:
        rules.check_role_id(after)
        rules.check_given(ask.who, after.actions, "actions")
    elif before is not None:
        agents = await directory.list_all(ask.context.link, Agent, ask.who.tenant)
        rules.check_unused(rules.uses_of_role(before.id, agents, [one.value for one in await open_invitations(ask)]))


async def _checked_calendar(calendar: Calendar) -> Calendar:
    await asyncio.to_thread(zones)
    return directory.check(calendar)


def _web(**fields: Any) -> Inbox:
    return Inbox(channel=WEB, **fields)


async def _checked_inbox(inbox: Inbox) -> Inbox:
    """Raises InvalidInputError `inbox.origins` or `record.invalid`."""
    checked = directory.check(inbox)
    return structs.replace(checked, origins=checked_origins(list(checked.origins)))


async def _make_inbox(ask: Ask, inbox: Inbox, why: str) -> int:
    """As `directory.create_inbox`, which claims the id in the whole system first."""
    link, who = ask.context.link, ask.who
    if not await directory.create_inbox(link, who.tenant, inbox, who.actor(), why):
        raise KeyExistsError
    kept = await directory.directory(link).get(directory.key_of(who.tenant, inbox))
    return kept.revision if kept else 0


TEAMS: Final = Noun(
    record=Team,
    plural="teams",
    may="team.manage",
    at=TeamAt,
    out=TeamOut,
    changed=TeamIn,
    new=NewTeam,
    rule=_team_rule,
    refuses=("id.token",),
    refuses_removal=("record.in_use",),
)
CALENDARS: Final = Noun(
    record=Calendar,
    plural="calendars",
    may="setting.manage",
    at=CalendarAt,
    out=CalendarOut,
    changed=CalendarIn,
    new=NewCalendar,
    checked=_checked_calendar,
    rule=_calendar_rule,
    refuses_removal=("record.in_use",),
)
SKILLS: Final = Noun(
    record=Skill,
    plural="skills",
    may="setting.manage",
    at=SkillAt,
    out=SkillOut,
    changed=SkillIn,
    new=NewSkill,
)
ROLES_OF_TENANT: Final = Noun(
    record=CustomRole,
    plural="roles",
    may="role.manage",
    at=RoleAt,
    out=RoleOut,
    changed=RoleIn,
    new=NewRole,
    rule=_role_rule,
    refuses=("agent.own_role", "role.above_yours"),
    refuses_removal=("agent.own_role", "record.in_use", "role.above_yours"),
)
INBOXES: Final = Noun(
    record=Inbox,
    plural="inboxes",
    may="inbox.manage",
    at=InboxAt,
    out=InboxSettings,
    changed=InboxIn,
    new=NewWebInbox,
    is_removed=False,
    built=_web,
    checked=_checked_inbox,
    make=_make_inbox,
    refuses=("id.token", "inbox.origins"),
)


@route("GET", "/settings/roles/actions", may="agent.list", answers={200: ActionsOut}, name="settings.list_actions")
async def list_actions(ask: Ask) -> ActionsOut:
    """What roles are made of."""
    return ActionsOut(
        actions=sorted(ACTIONS),
        roles=[BuiltIn(id=role, actions=sorted(actions)) for role, actions in ROLES.items()],
        yours=sorted(actions_of(ask.who)),
    )


ROUTES: Final = (
    list_actions,
    *(made for noun in (TEAMS, INBOXES, CALENDARS, SKILLS, ROLES_OF_TENANT) for made in nouns.routes(noun)),
)
