"""Every event type of the log: the only schema of what is stored (log-and-protocol.md, "Events").

Types and fields are only added, never changed or removed. An unknown field is ignored, an unknown
type is kept as `Envelope` and shown as one neutral line. Times are UTC milliseconds.
"""

from __future__ import annotations

from typing import Literal, Union, get_args

import msgspec
from msgspec import Struct

from backbone.ids import new_salt

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
    """The envelope as the beginning of a tagged event; `type` is the tag."""

    id: str
    v: int = VERSION
    tenant: str
    channel: str
    conv: str
    at: int
    by: Actor


class Attachment(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file of the object store; sizes in bytes and pixels, `sha256` in hex.

    While `file` is empty it is a place kept for a provider's file, which `ref` names: `message.edited` fills it.
    `cid` is how the HTML of a mail refers to it.
    """

    file: str
    name: str
    mime: str
    bytes: int
    sha256: str = ""
    width: int = 0
    height: int = 0
    ref: str = ""
    cid: str = ""


class Source(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a conversation came from, as far as the visitor's side told."""

    page: str = ""
    referrer: str = ""
    campaign: str = ""
    device: str = ""
    locale: str = ""


class Provider(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The provider's own id and time (milliseconds) of a message that came through it.

    `context` is given back to the provider with the next answer.
    """

    id: str
    at: int = 0
    context: dict[str, str] = {}


class ProviderError(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a provider refused, in its words; `final` means another try won't help."""

    code: str
    text: str = ""
    final: bool = False


# --- conversation -----------------------------------------------------------------------------


class ConversationOpened(Base, tag="conversation.opened", kw_only=True):
    """A conversation begins; always the first event of its subject."""

    salt: str = msgspec.field(default_factory=new_salt)
    inbox: str
    contact: str
    contact_name: str = ""
    peer: str = ""
    thread: str = ""
    previous: str = ""
    source: Source = Source()
    attributes: dict[str, str] = {}


class ConversationOffered(Base, tag="conversation.offered", kw_only=True):
    """Shown to one agent, who may accept or decline."""

    agent: str
    reason: str = ""


class AssignmentReason(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why this agent: the rule and the candidates with their scores (open conversations over capacity)."""

    rule: str
    candidates: dict[str, float] = {}


class ConversationAssigned(Base, tag="conversation.assigned", kw_only=True):
    """Somebody owns it now; `previous` owned it before."""

    agent: str
    team: str = ""
    reason: AssignmentReason | None = None
    previous: str = ""


class ConversationReleased(Base, tag="conversation.released", kw_only=True):
    """`agent` gave it back, or it was taken from them; `why` says which."""

    agent: str
    why: str = ""


class ConversationTransferred(Base, tag="conversation.transferred", kw_only=True):
    """Handed on: `to_agent` or `to_team` is set."""

    from_agent: str = ""
    to_agent: str = ""
    to_team: str = ""
    note: str = ""


class ConversationSnoozed(Base, tag="conversation.snoozed", kw_only=True):
    """Out of sight until `until` (UTC ms) or the next message."""

    until: int


class ConversationResolved(Base, tag="conversation.resolved", kw_only=True):
    """The matter is settled; a message within the inbox's reopen window reopens it."""

    reason: str = ""
    wrapup: str = ""


class ConversationReopened(Base, tag="conversation.reopened", kw_only=True):
    """Open again; `agent` keeps it, if set."""

    reason: str = ""
    agent: str = ""


class ConversationClosed(Base, tag="conversation.closed", kw_only=True):
    """Closed for good: a later message opens another conversation."""

    reason: str = ""


class ConversationTagged(Base, tag="conversation.tagged", kw_only=True):
    """Tags added and removed."""

    added: list[str] = []
    removed: list[str] = []


class ConversationPrioritised(Base, tag="conversation.prioritised", kw_only=True):
    """Priority 0 to 100."""

    priority: int


class ConversationAttributeSet(Base, tag="conversation.attribute_set", kw_only=True):
    """One attribute; an empty value removes it."""

    key: str
    value: str = ""


# --- messages ---------------------------------------------------------------------------------

MessageKind = Literal["text", "image", "file", "audio", "video", "location", "card", "email", "event", "unsupported"]


class MessageAdded(Base, tag="message.added", kw_only=True):
    """A message, or with `note` what only colleagues see.

    Of a mail, `subject` is its subject and `html` the file of its safe HTML. `automatic`: no person wrote it.
    `answer_to`: where an agent chose to answer instead of the customer's own address (the Reply-To of a mail).
    """

    salt: str = msgspec.field(default_factory=new_salt)
    kind: MessageKind = "text"
    text: str = ""
    parts: list[dict[str, str]] = []
    attachments: list[Attachment] = []
    reply_to: str = ""
    note: bool = False
    mentions: list[str] = []
    provider: Provider | None = None
    subject: str = ""
    html: str = ""
    automatic: bool = False
    answer_to: str = ""


class MessageEdited(Base, tag="message.edited", kw_only=True):
    """A new text for message `target`."""

    salt: str = msgspec.field(default_factory=new_salt)
    target: str
    note: bool = False
    text: str = ""
    attachments: list[Attachment] = []


class MessageRecalled(Base, tag="message.recalled", kw_only=True):
    """Message `target` was withdrawn."""

    salt: str = msgspec.field(default_factory=new_salt)
    target: str
    note: bool = False


class DeliveryUpdated(Base, tag="delivery.updated", kw_only=True):
    """What became of `target` on its way through a provider."""

    target: str
    part: int = 0
    parts: int = 1
    state: Literal["accepted", "sent", "delivered", "read", "failed", "unknown"]
    provider: str = ""
    error: ProviderError | None = None


class ReadMarked(Base, tag="read.marked", kw_only=True):
    """`reader` (`visitor` or an agent's id) has read and received up to these sequences."""

    reader: str
    read: int = 0
    delivered: int = 0


# --- queue ------------------------------------------------------------------------------------


class QueueEntered(Base, tag="queue.entered", kw_only=True):
    """Waiting for an agent; `since` (UTC ms) keeps an old waiting time where work was given back."""

    team: str = ""
    skills: list[str] = []
    priority: int = 0
    since: int = 0


class QueueLeft(Base, tag="queue.left", kw_only=True):
    """No longer waiting, after `position` places."""

    outcome: Literal["accepted", "abandoned", "flowed_out", "timeout"]
    position: int = 0


# --- work of agents ---------------------------------------------------------------------------


class WrapupStarted(Base, tag="wrapup.started", kw_only=True):
    """After-call work begins."""

    agent: str
    category: list[str] = []


class WrapupEnded(Base, tag="wrapup.ended", kw_only=True):
    """After-call work ends; `capped` if the clock ended it."""

    agent: str
    category: list[str] = []
    fields: dict[str, str] = {}
    capped: bool = False


AgentState = Literal["online", "busy", "away", "offline"]


class AgentStateChanged(Base, tag="agent.state_changed", kw_only=True):
    """What an agent chose, or routing wrote for one who left (`reason` `gone`); on the desk's subject."""

    agent: str
    state: AgentState
    reason: str = ""
    capacity: int = 0


class ContactLinked(Base, tag="contact.linked", kw_only=True):
    """Further identities of a contact (hashes, by kind), each vouched for, and what they are called."""

    contact: str
    name: str = ""
    identities: dict[str, str] = {}


class ContactMerged(Base, tag="contact.merged", kw_only=True):
    """`merged` is now part of `contact`, called `name`; in a conversation: it is theirs from here on. Identities as in
    `contact.linked`.
    """

    contact: str
    name: str = ""
    merged: str = ""
    identities: dict[str, str] = {}


# --- service levels ---------------------------------------------------------------------------


class SlaBase(Base, kw_only=True):
    """One clock of one policy."""

    clock: Literal["first_response", "next_response", "resolution"]
    policy: str = ""
    policy_version: int = 0
    target: int = 0
    deadline: int = 0


class SlaStarted(SlaBase, tag="sla.started", kw_only=True):
    """Target in ms of business time, deadline in UTC ms."""


class SlaPaused(SlaBase, tag="sla.paused", kw_only=True):
    """The clock stands."""


class SlaResumed(SlaBase, tag="sla.resumed", kw_only=True):
    """The clock runs to a new deadline."""


class SlaMet(SlaBase, tag="sla.met", kw_only=True):
    """Done in time."""

    owner: str = ""


class SlaBreached(SlaBase, tag="sla.breached", kw_only=True):
    """Not done in time: `at` is the deadline, `late_by` in ms."""

    detected_at: int = 0
    late_by: int = 0
    owner: str = ""


# --- judgement --------------------------------------------------------------------------------


class RatingRequested(Base, tag="rating.requested", kw_only=True):
    """The visitor is asked."""

    scale: int = 5


class RatingGiven(Base, tag="rating.given", kw_only=True):
    """The visitor's answer."""

    scale: int = 5
    score: int
    tags: list[str] = []
    comment: str = ""


class InspectionAlerted(Base, tag="inspection.alerted", kw_only=True):
    """A red line was crossed; evidence is sequences."""

    rule: str
    version: int = 0
    evidence: list[int] = []


class InspectionHit(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One rule that matched, with the sequences that show it."""

    rule: str
    version: int = 0
    points: float = 0
    evidence: list[int] = []


class InspectionScored(Base, tag="inspection.scored", kw_only=True):
    """A conversation's score by one rubric; `target` names the conversation on the desk's subject."""

    target: str = ""
    run: str = ""
    rubric: str = ""
    rubric_version: int = 0
    engine_version: str = ""
    score: float = 0
    hits: list[InspectionHit] = []


class ReviewBase(Base, kw_only=True):
    """A step of a human review of a score."""

    target: str = ""
    run: str = ""
    who: str = ""
    verdicts: dict[str, str] = {}
    reason: str = ""


class ReviewAssigned(ReviewBase, tag="review.assigned", kw_only=True):
    """`who` is to review."""


class ReviewReviewed(ReviewBase, tag="review.reviewed", kw_only=True):
    """`who` has reviewed."""


class ReviewPublished(ReviewBase, tag="review.published", kw_only=True):
    """The agent can see it."""


class ReviewAppealed(ReviewBase, tag="review.appealed", kw_only=True):
    """The agent disagrees."""


class ReviewUpheld(ReviewBase, tag="review.upheld", kw_only=True):
    """The appeal changed nothing."""


class ReviewOverturned(ReviewBase, tag="review.overturned", kw_only=True):
    """The appeal was granted."""


class ReviewEscalated(ReviewBase, tag="review.escalated", kw_only=True):
    """Handed to the next level."""


class ReviewFinal(ReviewBase, tag="review.final", kw_only=True):
    """No further appeal."""


class ReviewClosed(ReviewBase, tag="review.closed", kw_only=True):
    """Done."""


class ErasureDone(Base, tag="erasure.done", kw_only=True):
    """What was erased, by whom, on what ground; no personal data."""

    contact: str
    conversations: int = 0
    events: int = 0
    files: int = 0
    ground: str = ""


Event = Union[  # noqa: UP007 - msgspec reads the union at run time
    ConversationOpened,
    ConversationOffered,
    ConversationAssigned,
    ConversationReleased,
    ConversationTransferred,
    ConversationSnoozed,
    ConversationResolved,
    ConversationReopened,
    ConversationClosed,
    ConversationTagged,
    ConversationPrioritised,
    ConversationAttributeSet,
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
    SlaStarted,
    SlaPaused,
    SlaResumed,
    SlaMet,
    SlaBreached,
    RatingRequested,
    RatingGiven,
    InspectionAlerted,
    InspectionScored,
    ReviewAssigned,
    ReviewReviewed,
    ReviewPublished,
    ReviewAppealed,
    ReviewUpheld,
    ReviewOverturned,
    ReviewEscalated,
    ReviewFinal,
    ReviewClosed,
    ErasureDone,
]

TYPES: dict[str, type[Base]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Event)}
"""Every event type by its tag."""

LIFECYCLE = frozenset(
    tag
    for tag in TYPES
    if tag.startswith(("conversation.", "queue."))
    and tag
    not in {
        "conversation.tagged",
        "conversation.prioritised",
        "conversation.attribute_set",
    }
)
"""Types that say who owns a conversation or whether it is open; written with an expected sequence."""

SHOWN_TO_VISITORS = frozenset(
    {
        "conversation.opened",
        "conversation.resolved",
        "conversation.reopened",
        "conversation.closed",
        "message.added",
        "message.edited",
        "message.recalled",
        "delivery.updated",
        "read.marked",
        "rating.requested",
        "rating.given",
    }
)
"""Types a visitor may see; of messages, only those without `note`."""

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
