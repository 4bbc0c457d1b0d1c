"""Who acts, and who may do what: pure. Each request and each frame is asked again."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from backbone.conversation import Head
from backbone.events import Actor


class Who(Struct, frozen=True, kw_only=True):
    """An authenticated actor of one tenant. A visitor has an inbox and, if they are a user of the company's, its own id
    of them in `user`; an agent has a role and a session key.

    `until`: when it must be proved anew, Unix seconds; `issued_ms`: when a visitor's token was issued, Unix ms.
    """

    kind: Literal["visitor", "agent"]
    tenant: str
    id: str
    name: str = ""
    role: str = ""
    inbox: str = ""
    user: str = ""
    session: str = ""
    until: int = 0
    issued_ms: int = 0

    def actor(self) -> Actor:
        """As events name them."""
        return Actor(self.kind, self.id, self.name)


Action = Literal[
    "read",
    "write",
    "write_note",
    "act",
    "mark",
    "signal",
    "watch",
    "presence",
    "list",
    "search",
    "report",
    "administer",
]

_FOR_VISITORS = frozenset({"read", "write", "mark", "signal"})
_WITHOUT_CONVERSATION = frozenset({"watch", "presence", "list", "search", "report", "administer"})


def may(who: Who, action: Action, head: Head | None = None) -> str | None:
    """None if `who` may, else the code of the refusal.

    What belongs to another tenant or another visitor is `resource.not_found`: nobody learns that it is there.
    """
    if action in _WITHOUT_CONVERSATION:
        if who.kind != "agent":
            return "access.agents_only"
        return "access.admins_only" if action == "administer" and who.role != "admin" else None
    if head is None or head.tenant != who.tenant:
        return "resource.not_found"
    if who.kind == "agent":
        return None
    if head.contact.id != who.id or head.inbox != who.inbox:
        return "resource.not_found"
    return None if action in _FOR_VISITORS else "access.agents_only"
