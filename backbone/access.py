"""Who acts, and who may do what: pure. Each request and each frame is asked again.

An action is `noun.verb`. A role is a set of actions, as data; a scope says at which conversations of the tenant an
actor may look at all. What belongs to another tenant or visitor, or is outside the scope, isn't there for who asks.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, get_args

from msgspec import Struct

from backbone.conversation import Head
from backbone.events import Actor, ActorKind

OnConversation = Literal[
    "conversation.read",
    "conversation.write",
    "conversation.note",
    "conversation.mark",
    "conversation.signal",
    "conversation.take",
    "conversation.assign",
    "conversation.release",
    "conversation.release_others",
    "conversation.resolve",
    "conversation.reopen",
    "conversation.close",
]
"""Asked of one conversation: its head decides too."""

OnTenant = Literal[
    "profile.manage",
    "conversation.list",
    "message.search",
    "report.read",
    "presence.choose",
    "agent.list",
    "agent.manage",
    "inbox.list",
    "inbox.manage",
    "team.list",
    "team.manage",
    "contact.sign_out",
    "setting.manage",
    "role.manage",
    "key.manage",
    "audit.read",
    "tenant.manage",
]
"""Asked of the tenant as a whole."""

Action = OnConversation | OnTenant
ACTIONS: Final[frozenset[str]] = frozenset(get_args(OnConversation)) | frozenset(get_args(OnTenant))
ON_CONVERSATION: Final[frozenset[str]] = frozenset(get_args(OnConversation))

Reach = Literal["all", "teams", "inboxes", "own"]

_READS: Final = frozenset(
    {
        "profile.manage",
        "conversation.read",
        "conversation.list",
        "message.search",
        "report.read",
        "agent.list",
        "inbox.list",
        "team.list",
    }
)
_AGENT: Final = _READS | {
    "conversation.write",
    "conversation.note",
    "conversation.mark",
    "conversation.signal",
    "conversation.take",
    "conversation.assign",
    "conversation.release",
    "conversation.resolve",
    "conversation.reopen",
    "presence.choose",
    "contact.sign_out",
}
_SUPERVISOR: Final = _AGENT | {"conversation.release_others"}
_ADMIN: Final = _SUPERVISOR | {
    "agent.manage",
    "inbox.manage",
    "team.manage",
    "setting.manage",
    "role.manage",
    "key.manage",
    "audit.read",
}

ROLES: Final[dict[str, frozenset[str]]] = {
    "owner": _ADMIN | {"tenant.manage"},
    "admin": _ADMIN,
    "supervisor": _SUPERVISOR,
    "inspector": _READS | {"conversation.note"},
    "agent": _AGENT,
    "auditor": _READS | {"audit.read"},
}
"""What each of the roles may do that every tenant has; further ones are records."""

VISITOR: Final = frozenset({"conversation.read", "conversation.write", "conversation.mark", "conversation.signal"})
"""What a visitor may do with conversations of their own."""

_FOR_ADMINS: Final = _ADMIN - _SUPERVISOR | {"tenant.manage"}


REFUSED: Final = {
    "access.agents_only": "Only agents can do this.",
    "access.admins_only": "Only admins can do this.",
    "access.visitors_only": "Only visitors can do this.",
    "access.forbidden": "Your role doesn't allow this.",
}
"""A sentence for each code of a refusal but `resource.not_found`, whose resource has its own."""


_IN_SCOPE: Final = (
    "(agent = {scope_actor:String} AND agent != '' OR team IN {scope_teams:Array(String)}"
    " OR inbox IN {scope_inboxes:Array(String)})"
)


class Scope(NamedTuple):
    """The conversations of a tenant that an actor may look at: all, or those of teams, of inboxes, and their own."""

    is_all: bool
    actor: str = ""
    teams: frozenset[str] = frozenset()
    inboxes: frozenset[str] = frozenset()

    def holds(self, head: Head) -> bool:
        """Whether a conversation is among them."""
        return (
            self.is_all
            or (self.actor != "" and head.agent == self.actor)
            or (head.team != "" and head.team in self.teams)
            or head.inbox in self.inboxes
        )

    def sql(self) -> tuple[str, dict[str, Any]]:
        """The same as a condition on the warehouse's columns `agent`, `team` and `inbox`, and its parameters."""
        if self.is_all:
            return "1", {}
        parameters = {
            "scope_actor": self.actor,
            "scope_teams": sorted(self.teams - {""}),
            "scope_inboxes": sorted(self.inboxes),
        }
        return _IN_SCOPE, parameters


EVERYTHING: Final = Scope(is_all=True)


class Who(Struct, frozen=True, kw_only=True):
    """An authenticated actor of one tenant. A visitor has an inbox and, if they are a user of the company's, its own id
    of them in `user`; an agent has a role and a session key; a key, an assistant and the system have `grants`.

    `grants`: actions in place of the role's. `reach` with `teams` and `inboxes`: the scope. `until`: when it must be
    proved anew, Unix seconds; `issued_ms`: when a visitor's token was issued, Unix ms.
    """

    kind: Literal["visitor", "agent", "key", "assistant", "system"]
    tenant: str
    id: str
    name: str = ""
    role: str = ""
    inbox: str = ""
    user: str = ""
    session: str = ""
    until: int = 0
    issued_ms: int = 0
    grants: frozenset[str] | None = None
    reach: Reach = "all"
    teams: tuple[str, ...] = ()
    inboxes: tuple[str, ...] = ()

    def actor(self) -> Actor:
        """As events name them: a key acts as the system, an assistant as a bot."""
        return Actor(_IN_EVENTS[self.kind], self.id, self.name)


_IN_EVENTS: Final[dict[str, ActorKind]] = {
    "visitor": "visitor",
    "agent": "agent",
    "key": "system",
    "assistant": "bot",
    "system": "system",
}


def actions_of(who: Who) -> frozenset[str]:
    """Everything that `who` may do somewhere; nothing, by a role that isn't known."""
    if who.kind == "visitor":
        return VISITOR
    if who.grants is not None:
        return who.grants
    return ROLES.get(who.role, frozenset()) if who.kind == "agent" else frozenset()


def scope(who: Who) -> Scope:
    """At which conversations `who`, who is no visitor, may look."""
    match who.reach:
        case "all":
            return EVERYTHING
        case "teams":
            return Scope(is_all=False, actor=who.id, teams=frozenset(who.teams))
        case "inboxes":
            return Scope(is_all=False, actor=who.id, inboxes=frozenset(who.inboxes))
        case "own":
            return Scope(is_all=False, actor=who.id)


def may(who: Who, action: Action, head: Head | None = None) -> str | None:
    """None if `who` may, else the code of the refusal.

    `head`: of the conversation, for an action on one. What isn't theirs to know of is `resource.not_found`.
    """
    if action in ON_CONVERSATION and not _is_there(who, head):
        return "resource.not_found"
    return able(who, action)


def able(who: Who, action: str) -> str | None:
    """As `may`, as far as can be told without the conversation: None, or the code of the refusal."""
    if action in actions_of(who):
        return None
    if who.kind == "visitor":
        return "access.agents_only"
    return "access.admins_only" if action in _FOR_ADMINS else "access.forbidden"


def _is_there(who: Who, head: Head | None) -> bool:
    if head is None or head.tenant != who.tenant:
        return False
    if who.kind == "visitor":
        return head.contact.id == who.id and head.inbox == who.inbox
    return scope(who).holds(head)
