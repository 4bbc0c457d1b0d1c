"""Role x action x resource: each cell both ways, and scopes."""

from __future__ import annotations

from typing import Any, Literal, get_args

import pytest

from backbone import acts
from backbone.access import (
    ACTIONS,
    EVERYTHING,
    ON_CONVERSATION,
    REFUSED,
    ROLES,
    VISITOR,
    Action,
    Reach,
    Who,
    actions_of,
    may,
    scope,
)
from backbone.conversation import ContactRef, Head

CONV = "00" + "a" * 26
ME = Who(kind="visitor", tenant="main", id="c1", inbox="web")


def _agent(role: str, **more: Any) -> Who:
    return Who(kind="agent", tenant="main", id="li", role=role, **more)


def _head(**more: Any) -> Head:
    return Head(
        **({"conv": CONV, "tenant": "main", "channel": "web", "inbox": "web", "contact": ContactRef("c1")} | more)
    )


MINE = _head()
FOREIGN = _head(tenant="acme")
NOT_THERE = [FOREIGN, None]


@pytest.mark.parametrize("action", sorted(ACTIONS))
@pytest.mark.parametrize("role", [*ROLES, "", "of a later version"])
def test_a_role_may_do_exactly_what_it_holds(role: str, action: Action) -> None:
    who = _agent(role)
    allowed = action in ROLES.get(role, ())
    refused = may(who, action, MINE)
    assert (refused is None) == allowed
    assert refused is None or refused in REFUSED
    if action in ON_CONVERSATION:
        assert {may(who, action, head) for head in NOT_THERE} == {"resource.not_found"}


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_visitor_reaches_their_own_conversations_of_their_inbox_only(action: Action) -> None:
    if action not in ON_CONVERSATION:
        assert may(ME, action) == "access.agents_only"
        return
    for head in (_head(contact=ContactRef("c2")), _head(inbox="shop"), *NOT_THERE):
        assert may(ME, action, head) == "resource.not_found"
    assert may(ME, action, MINE) == (None if action in VISITOR else "access.agents_only")


def test_what_admins_alone_may_do_says_so() -> None:
    assert may(_agent("agent"), "inbox.manage") == "access.admins_only"
    assert may(_agent("supervisor"), "tenant.manage") == "access.admins_only"
    assert may(_agent("auditor"), "conversation.take", MINE) == "access.forbidden"


def test_each_role_holds_what_the_one_below_holds() -> None:
    assert ROLES["agent"] < ROLES["supervisor"] < ROLES["admin"] < ROLES["owner"]
    assert ROLES["inspector"].isdisjoint({rule.action for rule in acts.RULES.values()})
    assert not {action for action in ROLES["auditor"] if not action.endswith((".read", ".list", ".search"))} - {
        "profile.manage"
    }
    assert set().union(*ROLES.values()) == ACTIONS - {"conversation.close"}


@pytest.mark.parametrize("kind", ["key", "assistant", "system"])
def test_a_key_an_assistant_and_the_system_may_do_what_they_were_given(
    kind: Literal["key", "assistant", "system"],
) -> None:
    who = Who(kind=kind, tenant="main", id="k", role="admin")
    assert not actions_of(who)
    given = Who(kind=kind, tenant="main", id="k", grants=frozenset({"conversation.read"}))
    assert may(given, "conversation.read", MINE) is None
    assert may(given, "conversation.read", FOREIGN) == "resource.not_found"
    assert may(given, "conversation.write", MINE) == "access.forbidden"
    assert given.actor().kind == {"key": "system", "assistant": "bot", "system": "system"}[kind]


@pytest.mark.parametrize(
    ("reach", "heads"),
    [
        ("all", {"mine", "of my team", "of my inbox", "of another"}),
        ("own", {"mine"}),
        ("teams", {"mine", "of my team"}),
        ("inboxes", {"mine", "of my inbox"}),
    ],
)
def test_a_scope_holds_ones_own_and_what_it_names(reach: Reach, heads: set[str]) -> None:
    who = _agent("agent", reach=reach, teams=("sales",), inboxes=("shop",))
    each = {
        "mine": _head(agent="li"),
        "of my team": _head(team="sales"),
        "of my inbox": _head(inbox="shop"),
        "of another": _head(agent="wu", team="support"),
    }
    assert {name for name, head in each.items() if scope(who).holds(head)} == heads
    assert {name for name, head in each.items() if may(who, "conversation.read", head) is None} == heads
    condition, parameters = scope(who).sql()
    assert (scope(who) == EVERYTHING) == (condition == "1") == (not parameters)


def test_a_team_or_owner_that_is_nobody_is_in_no_scope() -> None:
    nobody = Who(kind="key", tenant="main", id="", reach="teams", teams=("",), grants=frozenset({"conversation.read"}))
    assert not scope(nobody).holds(_head())


def test_every_reach_is_tried() -> None:
    assert set(get_args(Reach)) == {"all", "own", "teams", "inboxes"}
