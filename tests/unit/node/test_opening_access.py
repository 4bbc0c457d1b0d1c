"""Who may write first: the use-case asks, whatever skin called it."""

from __future__ import annotations

from typing import Any

import pytest

from backbone.access import ROLES, Who
from backbone.commands import Send, To
from backbone.errors import ForbiddenError
from backbone.ids import new_uuid
from node.commands import send

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("role", sorted(role for role in ROLES if "conversation.write" not in ROLES[role]))
async def test_a_role_that_may_not_write_opens_no_conversation(role: str) -> None:
    """Refused before the node's parts are asked anything: there are none here."""
    nothing: Any = None
    who = Who(kind="agent", tenant="main", id="a", role=role)
    command = Send(id=new_uuid(), to=To("web", "c" + "a" * 26), text="hello")
    with pytest.raises(ForbiddenError) as refused:
        await send._send_without_conversation(nothing, nothing, who, command, [])
    assert refused.value.code == "access.forbidden"
