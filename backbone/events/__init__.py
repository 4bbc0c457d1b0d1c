"""Every event type of the log, a family a file: the only schema of what is stored.

Types and fields are only added, never changed or removed once something wrote them; a type comes with what writes or
counts it. An unknown field is ignored, an unknown type is kept as `Envelope` and shown as one neutral line. Times are
UTC milliseconds.
"""

from __future__ import annotations

from typing import Union, get_args

import msgspec

from backbone.events.agent import AgentState, AgentStateChanged, WrapupEnded, WrapupStarted
from backbone.events.contact import ContactLinked, ContactMerged
from backbone.events.conversation import (
    AssignmentReason,
    ConversationAssigned,
    ConversationClosed,
    ConversationOpened,
    ConversationPrioritised,
    ConversationReleased,
    ConversationReopened,
    ConversationResolved,
    ConversationSnoozed,
    ConversationTagged,
    ConversationTransferred,
    Source,
)
from backbone.events.data import Data, Row
from backbone.events.envelope import VERSION, Actor, ActorKind, Base, Envelope
from backbone.events.message import (
    Attachment,
    DeliveryUpdated,
    MessageAdded,
    MessageEdited,
    MessageKind,
    MessageRecalled,
    Provider,
    ProviderError,
    ReadMarked,
)
from backbone.events.quality import RatingGiven, RatingRequested, SlaBase, SlaBreached
from backbone.events.queue import QueueEntered, QueueLeft

__all__ = [
    "LIFECYCLE",
    "SHOWN_TO_VISITORS",
    "TYPES",
    "VERSION",
    "Actor",
    "ActorKind",
    "AgentState",
    "AgentStateChanged",
    "AssignmentReason",
    "Attachment",
    "Base",
    "ContactLinked",
    "ContactMerged",
    "ConversationAssigned",
    "ConversationClosed",
    "ConversationOpened",
    "ConversationPrioritised",
    "ConversationReleased",
    "ConversationReopened",
    "ConversationResolved",
    "ConversationSnoozed",
    "ConversationTagged",
    "ConversationTransferred",
    "Data",
    "DeliveryUpdated",
    "Envelope",
    "Event",
    "MessageAdded",
    "MessageEdited",
    "MessageKind",
    "MessageRecalled",
    "Provider",
    "ProviderError",
    "QueueEntered",
    "QueueLeft",
    "RatingGiven",
    "RatingRequested",
    "ReadMarked",
    "Row",
    "SlaBase",
    "SlaBreached",
    "Source",
    "WrapupEnded",
    "WrapupStarted",
    "encode",
    "parse",
    "parse_envelope",
]

Event = Union[  # noqa: UP007 - msgspec reads the union at run time
    ConversationOpened,
    ConversationAssigned,
    ConversationReleased,
    ConversationTransferred,
    ConversationSnoozed,
    ConversationResolved,
    ConversationReopened,
    ConversationClosed,
    ConversationTagged,
    ConversationPrioritised,
    MessageAdded,
    MessageEdited,
    MessageRecalled,
    DeliveryUpdated,
    ReadMarked,
    QueueEntered,
    QueueLeft,
    WrapupStarted,
    WrapupEnded,
    AgentStateChanged,
    ContactLinked,
    ContactMerged,
    SlaBreached,
    RatingRequested,
    RatingGiven,
]

TYPES: dict[str, type[Base]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Event)}
"""Every event type by its tag."""

LIFECYCLE = frozenset(tag for tag, kind in TYPES.items() if kind.is_lifecycle)
"""Tags of those that say who owns a conversation or whether it is open."""

SHOWN_TO_VISITORS = frozenset(tag for tag, kind in TYPES.items() if kind.is_for_visitors)
"""Tags of those that a visitor may see."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_envelope_decoder = msgspec.json.Decoder(Envelope)


def encode(event: Event) -> bytes:
    """The bytes to store."""
    return _encoder.encode(event)


def parse(raw: bytes) -> Event:
    """A stored event of a known type. Raises msgspec.DecodeError for anything else."""
    return _decoder.decode(raw)


def parse_envelope(raw: bytes) -> Envelope:
    """The envelope of a stored event of any type. Raises msgspec.DecodeError if it has none."""
    return _envelope_decoder.decode(raw)
