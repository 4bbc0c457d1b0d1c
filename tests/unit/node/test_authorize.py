"""Role x action x resource: each cell both ways."""

from __future__ import annotations

from typing import get_args

import pytest

from backbone.access import Action, Who, may
from backbone.conversation import ContactRef, Head

CONV = "00" + "a" * 26
ME = Who(kind="visitor", tenant="main", id="c1", inbox="web")
AGENT = Who(kind="agent", tenant="main", id="li", role="agent")
SUPERVISOR = Who(kind="agent", tenant="main", id="wu", role="supervisor")
ADMIN = Who(kind="agent", tenant="main", id="qi", role="admin")
MINE = Head(conv=CONV, tenant="main", channel="web", inbox="web", contact=ContactRef("c1"))
OTHERS = Head(conv=CONV, tenant="main", channel="web", inbox="web", contact=ContactRef("c2"))
OTHER_INBOX = Head(conv=CONV, tenant="main", channel="web", inbox="shop", contact=ContactRef("c1"))
FOREIGN = Head(conv=CONV, tenant="acme", channel="web", inbox="web", contact=ContactRef("c1"))
WITHOUT = {"watch", "presence", "list", "search", "report", "administer"}
ACTIONS = get_args(Action)


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_learns_of_another_tenant(action: Action) -> None:
    if action not in WITHOUT:
        assert may(AGENT, action, FOREIGN) == "resource.not_found"
        assert may(ME, action, FOREIGN) == "resource.not_found"
        assert may(AGENT, action, None) == "resource.not_found"


@pytest.mark.parametrize("action", ACTIONS)
def test_a_visitor_reaches_their_own_conversations_of_their_inbox_only(action: Action) -> None:
    if action in WITHOUT:
        assert may(ME, action) == "access.agents_only"
        return
    for head in (OTHERS, OTHER_INBOX):
        assert may(ME, action, head) == "resource.not_found"
    allowed = {"read", "write", "mark", "signal"}
    assert may(ME, action, MINE) == (None if action in allowed else "access.agents_only")


@pytest.mark.parametrize("action", ACTIONS)
def test_an_agent_may_do_all_but_administer_in_their_tenant(action: Action) -> None:
    assert may(AGENT, action, MINE) == ("access.admins_only" if action == "administer" else None)
    assert may(SUPERVISOR, action, MINE) == ("access.admins_only" if action == "administer" else None)
    assert may(ADMIN, action, MINE) is None
