"""What a change of settings may be, whoever asks: nobody gets or gives more than they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec import structs

from backbone.access import ACTIONS, ROLES, Who
from backbone.directory import Agent, CustomRole, Inbox, Invitation, Team
from backbone.errors import TrunklineError
from node.rest.settings import rules

ADMIN: Final = Who(kind="agent", tenant="main", id="ada", role="admin")
OWNER: Final = Who(kind="agent", tenant="main", id="olga", role="owner")
CLERK: Final = Who(
    kind="agent", tenant="main", id="cleo", role="clerk", grants=frozenset({"agent.manage", "agent.list"})
)
LIN: Final = Agent(id="lin", name="Lin", email="lin@example.com")
ADA: Final = Agent(id="ada", name="Ada", email="ada@example.com", role="admin")
OLGA: Final = Agent(id="olga", name="Olga", email="olga@example.com", role="owner")


def refused(check: Callable[..., Any], *arguments: Any) -> tuple[str, str | None] | None:
    """Code and field of a refusal, None if there is none."""
    try:
        check(*arguments)
    except TrunklineError as error:
        return error.code, error.field
    return None


def test_a_role_allows_what_it_says_and_one_that_isnt_there_nothing() -> None:
    custom = {"clerk": CustomRole(id="clerk", name="Clerk", actions=("agent.list", "of.a_newer_version"))}
    assert rules.actions_of_role("admin", custom) == ROLES["admin"]
    assert rules.actions_of_role("clerk", custom) == {"agent.list"}
    assert rules.actions_of_role("gone", custom) == frozenset()
    shadowing = {"agent": CustomRole(id="agent", name="Agent", actions=tuple(ACTIONS))}
    assert rules.actions_of_role("agent", shadowing) == ROLES["agent"]


@pytest.mark.parametrize("who", [ADMIN, OWNER, CLERK])
@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_given_by_those_alone_who_have_all_its_actions(who: Who, role: str) -> None:
    mine = who.grants if who.grants is not None else ROLES[who.role]
    expected = None if ROLES[role] <= mine else ("role.above_yours", "role")
    assert refused(rules.check_given, who, ROLES[role], "role") == expected


def test_the_refusal_of_a_role_names_what_the_giver_lacks() -> None:
    with pytest.raises(TrunklineError, match=r"tenant\.manage"):
        rules.check_given(ADMIN, {"tenant.manage", "agent.list"}, "actions")
    assert refused(rules.check_given, ADMIN, (), "actions") is None


def test_somebody_is_changed_by_those_alone_who_may_do_as_much() -> None:
    assert refused(rules.check_power_over, ADMIN, ROLES["owner"]) == ("agent.above_you", None)
    assert refused(rules.check_power_over, ADMIN, ROLES["admin"]) is None
    assert refused(rules.check_power_over, OWNER, ROLES["owner"]) is None
    assert refused(rules.check_power_over, CLERK, ROLES["agent"]) == ("agent.above_you", None)
    assert refused(rules.check_power_over, CLERK, frozenset({"agent.list"})) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"role": "agent"}, "role"),
        ({"role": "owner"}, "role"),
        ({"active": False}, "active"),
        ({"reach": "own"}, "reach"),
        ({"name": "A", "capacity": 1, "team": "sales", "teams": ("support",), "inboxes": ("web",)}, None),
    ],
)
def test_nobody_changes_their_own_role_or_reach_or_deactivates_themselves(
    changed: dict[str, Any], field: str | None
) -> None:
    expected = ("agent.own_role", field) if field else None
    assert refused(rules.check_own, ADMIN, ADA, structs.replace(ADA, **changed)) == expected
    # Somebody else's may be changed.
    assert refused(rules.check_own, ADMIN, LIN, structs.replace(LIN, **changed)) is None


@pytest.mark.parametrize(
    ("reach", "changed", "field"),
    [
        ("teams", {"team": "sales"}, "teams"),
        ("teams", {"teams": ("sales",)}, "teams"),
        ("teams", {"teams": ()}, "teams"),
        ("teams", {"inboxes": ("web",)}, None),
        ("inboxes", {"inboxes": ("web",)}, "inboxes"),
        ("inboxes", {"team": "sales", "teams": ("sales",)}, None),
        ("own", {"team": "sales", "inboxes": ("web",)}, None),
    ],
)
def test_nobody_widens_their_own_reach_by_a_team_or_inbox(
    reach: str, changed: dict[str, Any], field: str | None
) -> None:
    before = structs.replace(ADA, reach=reach, teams=("support",))
    expected = ("agent.own_role", field) if field else None
    assert refused(rules.check_own, ADMIN, before, structs.replace(before, **changed)) == expected


def test_what_an_agent_reaches() -> None:
    everything = structs.replace(LIN, team="a", teams=("b",), inboxes=("web",))
    assert rules.reached(structs.replace(everything, reach="teams")) == {"a", "b"}
    assert rules.reached(structs.replace(everything, reach="inboxes")) == {"web"}
    assert rules.reached(structs.replace(everything, reach="own")) == frozenset()
    assert rules.reached(everything) == frozenset()
    assert rules.reached(structs.replace(LIN, reach="teams")) == frozenset()


_TEAMS: Final = structs.replace(ADMIN, reach="teams", teams=("a", "b"), inboxes=("web",))
_INBOXES: Final = structs.replace(_TEAMS, reach="inboxes")
_NONE: Final = structs.replace(_TEAMS, reach="own")


@pytest.mark.parametrize(
    ("who", "given", "is_allowed"),
    [
        (ADMIN, {"reach": "all"}, True),
        (ADMIN, {"reach": "teams", "teams": ("z",)}, True),
        (_TEAMS, {"reach": "all"}, False),
        (_TEAMS, {"reach": "own"}, True),
        (_TEAMS, {"reach": "teams", "team": "a", "teams": ("b",)}, True),
        (_TEAMS, {"reach": "teams", "team": "a", "teams": ("z",)}, False),
        (_TEAMS, {"reach": "inboxes", "inboxes": ("web",)}, False),
        (_INBOXES, {"reach": "inboxes", "inboxes": ("web",)}, True),
        (_INBOXES, {"reach": "inboxes", "inboxes": ("web", "shop")}, False),
        (_INBOXES, {"reach": "teams", "team": "a"}, False),
        (_NONE, {"reach": "own"}, True),
        (_NONE, {"reach": "inboxes", "inboxes": ("web",)}, False),
    ],
)
def test_nobody_lets_others_look_at_what_they_dont_see(who: Who, given: dict[str, Any], is_allowed: bool) -> None:  # noqa: FBT001
    expected = None if is_allowed else ("reach.above_yours", "reach")
    assert refused(rules.check_reach, who, structs.replace(LIN, **given)) == expected


def test_who_doesnt_see_everything_invites_nobody() -> None:
    assert refused(rules.check_inviting, ADMIN) is None
    for who in (_TEAMS, _INBOXES, _NONE):
        assert refused(rules.check_inviting, who) == ("reach.above_yours", "reach")


def test_the_last_owner_who_can_sign_in_stays_one() -> None:
    gone, demoted = structs.replace(OLGA, active=False), structs.replace(OLGA, role="admin")
    other = structs.replace(OLGA, id="omar")
    for after in (gone, demoted):
        assert refused(rules.check_owner_left, OLGA, after, [OLGA, ADA]) == ("agent.last_owner", "role")
        assert refused(rules.check_owner_left, OLGA, after, [structs.replace(other, active=False), after]) is not None
        assert refused(rules.check_owner_left, OLGA, after, [OLGA, other]) is None
        assert refused(rules.check_owner_left, OLGA, after, [other]) is None
    assert refused(rules.check_owner_left, OLGA, structs.replace(OLGA, name="O"), [OLGA]) is None
    # A tenant that has none loses none.
    assert refused(rules.check_owner_left, ADA, structs.replace(ADA, active=False), [ADA]) is None
    assert refused(rules.check_owner_left, gone, structs.replace(gone, role="agent"), [gone]) is None


def test_nobody_changes_the_role_that_they_have_themselves() -> None:
    clerk = CustomRole(id="clerk", name="Clerk")
    assert refused(rules.check_own_role, CLERK, clerk) == ("agent.own_role", "actions")
    assert refused(rules.check_own_role, CLERK, structs.replace(clerk, id="other")) is None
    assert refused(rules.check_own_role, CLERK, None) is None


def test_a_role_has_no_id_that_is_part_of_a_path() -> None:
    assert refused(rules.check_role_id, CustomRole(id="actions", name="A")) == ("record.invalid", "id")
    assert refused(rules.check_role_id, CustomRole(id="action", name="A")) is None


def test_what_is_used_is_counted_and_named() -> None:
    agents = [
        structs.replace(LIN, team="a"),
        structs.replace(ADA, teams=("b", "a")),
        structs.replace(OLGA, team="b", teams=("b",), role="clerk"),
        structs.replace(OLGA, id="omar"),
    ]
    inboxes = [Inbox(id="web", channel="web", name="Web", team="a"), Inbox(id="shop", channel="web", name="Shop")]
    invitations = [Invitation(tenant="main", role="clerk", exp=1, team="a"), Invitation(tenant="main", role="a", exp=1)]
    assert rules.uses_of_team("a", agents, inboxes, invitations) == {"agents": 2, "inboxes": 1, "invitations": 1}
    assert rules.uses_of_team("b", agents, inboxes, invitations) == {"agents": 2, "inboxes": 0, "invitations": 0}
    teams = [Team(id="a", name="A", calendar="std"), Team(id="b", name="B")]
    assert rules.uses_of_calendar("std", teams) == {"teams": 1}
    assert rules.uses_of_calendar("other", teams) == {"teams": 0}
    assert rules.uses_of_role("clerk", agents, invitations) == {"agents": 1, "invitations": 1}
    assert rules.uses_of_role("agent", agents, invitations) == {"agents": 1, "invitations": 0}


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ({"agents": 0, "teams": 0}, None),
        ({"agents": 1, "inboxes": 0}, "by 1 agent;"),
        ({"agents": 3, "inboxes": 1, "invitations": 1}, "by 3 agents and 1 inbox and 1 open invitation;"),
        ({"invitations": 2, "teams": 1}, "by 2 open invitations and 1 team;"),
    ],
)
def test_what_is_used_isnt_removed_and_the_sentence_says_by_what(uses: dict[str, int], said: str | None) -> None:
    assert refused(rules.check_unused, uses) == (("record.in_use", None) if said else None)
    if said:
        with pytest.raises(TrunklineError, match=said):
            rules.check_unused(uses)
