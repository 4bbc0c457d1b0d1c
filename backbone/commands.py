"""What people ask of a conversation, but for what they do to it (acts.py): the Structs that sockets, the REST API and
automations fill in alike. Pure.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from backbone.events import AgentState, MessageKind

ClientId = Annotated[str, Meta(min_length=36, max_length=36)]
ConversationId = Annotated[str, Meta(min_length=28, max_length=28)]


class To(Struct):
    """Whom an agent writes to when there is no conversation yet."""

    inbox: str
    contact: str


class Send(Struct, kw_only=True):
    """A message. `id` is the client's UUID and stays the same until it is answered. `conv` null: open one. `answer_to`:
    an agent answers the Reply-To of the customer's last mail, which proves nothing, instead of its sender.
    """

    id: ClientId
    conv: ConversationId | None = None
    to: To | None = None
    kind: MessageKind = "text"
    text: str = ""
    attachments: Annotated[list[str], Meta(max_length=20)] = []
    reply_to: str = ""
    note: bool = False
    mentions: Annotated[list[str], Meta(max_length=50)] = []
    answer_to: Annotated[str, Meta(max_length=254)] = ""


class Mark(Struct, kw_only=True):
    """Read or received up to a sequence."""

    conv: ConversationId
    read: Annotated[int, Meta(ge=0)] = 0
    delivered: Annotated[int, Meta(ge=0)] = 0


class Signal(Struct, kw_only=True):
    """Typing, viewing, stopped: to whoever is there, never stored."""

    conv: ConversationId
    kind: Literal["typing", "viewing", "stopped"]
    text: Annotated[str, Meta(max_length=500)] = ""


class Presence(Struct, kw_only=True):
    """What an agent chooses to be. `capacity` 0 leaves it as it is."""

    id: ClientId
    state: AgentState
    capacity: Annotated[int, Meta(ge=0, le=100)] = 0
