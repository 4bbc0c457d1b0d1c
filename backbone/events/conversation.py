"""A conversation from its beginning to its end: who owns it, whether it is open."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import Struct

from backbone.events.envelope import Base
from backbone.ids import new_salt


class Source(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a conversation came from, as far as the visitor's side told."""

    page: str = ""
    referrer: str = ""
    campaign: str = ""
    device: str = ""
    locale: str = ""


class ConversationOpened(Base, tag="conversation.opened", kw_only=True):
    """A conversation begins; always the first event of its subject."""

    is_lifecycle: ClassVar[bool] = True
    is_for_visitors: ClassVar[bool] = True

    salt: str = msgspec.field(default_factory=new_salt)
    inbox: str
    contact: str
    contact_name: str = ""
    peer: str = ""
    thread: str = ""
    previous: str = ""
    source: Source = Source()
    attributes: dict[str, str] = {}


class AssignmentReason(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why this agent: the rule and the candidates with their scores (open conversations over capacity)."""

    rule: str
    candidates: dict[str, float] = {}


class ConversationAssigned(Base, tag="conversation.assigned", kw_only=True):
    """Somebody owns it now; `previous` owned it before."""

    is_lifecycle: ClassVar[bool] = True

    agent: str
    team: str = ""
    reason: AssignmentReason | None = None
    previous: str = ""


class ConversationReleased(Base, tag="conversation.released", kw_only=True):
    """`agent` gave it back, or it was taken from them; `why` says which."""

    is_lifecycle: ClassVar[bool] = True

    agent: str
    why: str = ""


class ConversationTransferred(Base, tag="conversation.transferred", kw_only=True):
    """Handed on: `to_agent` or `to_team` is set."""

    is_lifecycle: ClassVar[bool] = True

    from_agent: str = ""
    to_agent: str = ""
    to_team: str = ""
    note: str = ""


class ConversationSnoozed(Base, tag="conversation.snoozed", kw_only=True):
    """Out of sight until `until` (UTC ms) or the next message."""

    is_lifecycle: ClassVar[bool] = True

    until: int


class ConversationResolved(Base, tag="conversation.resolved", kw_only=True):
    """The matter is settled; a message within the inbox's reopen window reopens it."""

    is_lifecycle: ClassVar[bool] = True
    is_for_visitors: ClassVar[bool] = True

    reason: str = ""
    wrapup: str = ""


class ConversationReopened(Base, tag="conversation.reopened", kw_only=True):
    """Open again; `agent` keeps it, if set."""

    is_lifecycle: ClassVar[bool] = True
    is_for_visitors: ClassVar[bool] = True

    reason: str = ""
    agent: str = ""


class ConversationClosed(Base, tag="conversation.closed", kw_only=True):
    """Closed for good: a later message opens another conversation."""

    is_lifecycle: ClassVar[bool] = True
    is_for_visitors: ClassVar[bool] = True

    reason: str = ""


class ConversationTagged(Base, tag="conversation.tagged", kw_only=True):
    """Tags added and removed."""

    added: list[str] = []
    removed: list[str] = []


class ConversationPrioritised(Base, tag="conversation.prioritised", kw_only=True):
    """Priority 0 to 100."""

    priority: int
