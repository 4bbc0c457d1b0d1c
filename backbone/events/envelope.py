"""What every event carries, whatever its type."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

VERSION = 1

ActorKind = Literal["visitor", "agent", "bot", "system", "provider"]


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who did it: `id` is a contact, agent or process; `name` is how others saw them then."""

    kind: ActorKind
    id: str
    name: str = ""


class Envelope(Struct, omit_defaults=True, kw_only=True):
    """What every event carries. Decoding to this alone reads an event of any type."""

    id: str
    type: str = ""
    v: int = VERSION
    tenant: str
    channel: str
    conv: str
    at: int
    by: Actor


class Base(Struct, omit_defaults=True, kw_only=True, tag_field="type"):
    """The envelope as the beginning of a tagged event; `type` is the tag.

    `is_lifecycle`: it says who owns a conversation or whether it is open, and is written with an expected sequence.
    `is_for_visitors`: the visitor of the conversation may see it; of messages, only those without `note`.
    """

    is_lifecycle: ClassVar[bool] = False
    is_for_visitors: ClassVar[bool] = False

    id: str
    v: int = VERSION
    tenant: str
    channel: str
    conv: str
    at: int
    by: Actor
