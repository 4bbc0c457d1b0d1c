"""What people, routing and automations do to a conversation, as events: pure.

An act is a Struct of a tagged union, the same in a frame, a REST body and a rule's consequence; `RULES` says of each
what access it needs and what refuses it, `SAID` in which words. `plan` says which events it makes on a head, or why it
may not. Ids and time are arguments, so that a retry makes the same events. `backbone/decide.py` writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NamedTuple, Union

from msgspec import Meta, Struct

from backbone import events as ev
from backbone.access import OnConversation
from backbone.conversation import Head
from backbone.ids import derived_event_id

Reason = Annotated[str, Meta(max_length=200)]


class ActBase(Struct, tag_field="do", frozen=True, kw_only=True, omit_defaults=True):
    """Any act; `do` names it."""


class Take(ActBase, tag="take", frozen=True, kw_only=True):
    """It is the actor's now; of routing, that of whom it chose."""


class Assign(ActBase, tag="assign", frozen=True, kw_only=True):
    """It is another agent's now."""

    agent: str


class Release(ActBase, tag="release", frozen=True, kw_only=True):
    """Back into the queue, where it was."""

    reason: Reason = ""


class Resolve(ActBase, tag="resolve", frozen=True, kw_only=True):
    """The matter is settled."""

    reason: Reason = ""


class Reopen(ActBase, tag="reopen", frozen=True, kw_only=True):
    """It isn't settled after all."""

    reason: Reason = ""


class Close(ActBase, tag="close", frozen=True, kw_only=True):
    """Closed for good; the system's alone."""

    reason: Reason = ""


Act = Union[Take, Assign, Release, Resolve, Reopen, Close]  # noqa: UP007 - msgspec reads the union at run time
Asked = Union[Take, Assign, Release, Resolve, Reopen]  # noqa: UP007 - the same
"""Those that people may ask for."""

Condition = Literal["is_resolved", "is_not_resolved", "is_theirs", "is_not_theirs", "is_owned"]

_HOLDS: Final[dict[Condition, Callable[[Head, str], bool]]] = {
    "is_resolved": lambda head, _agent: head.status == "resolved",
    "is_not_resolved": lambda head, _agent: head.status != "resolved",
    "is_theirs": lambda head, agent: head.agent == agent,
    "is_not_theirs": lambda head, agent: head.agent != agent,
    "is_owned": lambda head, _agent: head.agent != "",
}
"""Of the agent whom the act concerns."""

CLOSED: Final = "conversation.closed"


class Rule(NamedTuple):
    """Of one act: what it is called where access is given, and what refuses it, with the code; the first counts."""

    action: OnConversation
    refusals: tuple[tuple[Condition, str], ...] = ()


RULES: Final[dict[type[ActBase], Rule]] = {
    Take: Rule(
        "conversation.take",
        (
            ("is_resolved", "conversation.resolved"),
            ("is_theirs", "conversation.yours_already"),
            ("is_owned", "conversation.taken"),
        ),
    ),
    Assign: Rule(
        "conversation.assign",
        (("is_resolved", "conversation.resolved"), ("is_theirs", "conversation.assigned_already")),
    ),
    Release: Rule(
        "conversation.release",
        (("is_resolved", "conversation.resolved"), ("is_not_theirs", "conversation.not_yours")),
    ),
    Resolve: Rule("conversation.resolve", (("is_resolved", "conversation.resolved"),)),
    Reopen: Rule("conversation.reopen", (("is_not_resolved", "conversation.not_resolved"),)),
    Close: Rule("conversation.close"),
}
"""What is closed for good refuses all of them with `CLOSED`, before anything else."""

SAID: Final = {
    "conversation.taken": "Somebody else has taken it.",
    "conversation.yours_already": "It is yours already.",
    "conversation.assigned_already": "They have it already.",
    "conversation.resolved": "It has been resolved.",
    "conversation.not_resolved": "It isn't resolved.",
    "conversation.not_yours": "It isn't yours.",
    CLOSED: "It is closed for good.",
}
"""A sentence for each code of a refusal."""


class Decision(Struct, frozen=True, kw_only=True):
    """An act by somebody at a time: `id` is the client's (or derived), `at` UTC ms, `agent` whom it concerns.

    `reason`: why this agent; `since`: since when they wait (UTC ms) where it goes back into the queue, 0: as the head
    says.
    """

    id: str
    act: Act
    by: ev.Actor
    at: int
    agent: str = ""
    reason: ev.AssignmentReason | None = None
    since: int = 0


class Refusal(Struct, frozen=True):
    """The act isn't legal on the head; `code` is stable."""

    code: str


def tag(kind: type[ActBase]) -> str:
    """The name of a kind of act, as `do` has it."""
    return str(kind.__struct_config__.tag)


def name_of(act: Act) -> str:
    """As `do` has it."""
    return tag(type(act))


def refusal(head: Head, act: Act, agent: str = "") -> str | None:
    """None if `act` (by or to `agent`) is legal on `head`, else the code of the refusal."""
    if head.status == "closed":
        return CLOSED
    return next((code for condition, code in RULES[type(act)].refusals if _HOLDS[condition](head, agent)), None)


def plan(head: Head, decision: Decision) -> list[ev.Event] | Refusal:
    """The events that a decision makes on `head`, in order, or the refusal."""
    refused = refusal(head, decision.act, decision.agent)
    if refused:
        return Refusal(refused)
    match decision.act:
        case Take() | Assign():
            return _assign(head, decision)
        case Release(reason=reason):
            return _release(head, decision, reason)
        case Resolve(reason=reason):
            return [ev.ConversationResolved(id=decision.id, reason=reason, **_envelope(head, decision))]
        case Reopen(reason=reason):
            return _reopen(head, decision, reason)
        case Close(reason=reason):
            return [ev.ConversationClosed(id=decision.id, reason=reason, **_envelope(head, decision))]


def _assign(head: Head, decision: Decision) -> list[ev.Event]:
    assigned = ev.ConversationAssigned(
        id=decision.id,
        agent=decision.agent,
        reason=decision.reason,
        previous=head.agent,
        **_envelope(head, decision),
    )
    if head.queue is None:
        return [assigned]
    left = ev.QueueLeft(id=derived_event_id(decision.id, "queue.left"), outcome="accepted", **_envelope(head, decision))
    return [left, assigned]


def _release(head: Head, decision: Decision, reason: str) -> list[ev.Event]:
    # Waiting goes on from when the customer began to wait, so that giving back costs nobody their place.
    since = decision.since or head.waiting_since or decision.at
    return [
        ev.ConversationReleased(id=decision.id, agent=decision.agent, why=reason, **_envelope(head, decision)),
        ev.QueueEntered(
            id=derived_event_id(decision.id, "queue.entered"),
            team=head.team,
            priority=head.priority,
            since=since,
            **_envelope(head, decision),
        ),
    ]


def _reopen(head: Head, decision: Decision, reason: str) -> list[ev.Event]:
    reopened = ev.ConversationReopened(id=decision.id, reason=reason, agent=decision.agent, **_envelope(head, decision))
    if decision.agent:
        return [reopened]
    entered = ev.QueueEntered(
        id=derived_event_id(decision.id, "queue.entered"),
        team=head.team,
        priority=head.priority,
        since=head.waiting_since or decision.at,
        **_envelope(head, decision),
    )
    return [reopened, entered]


def _envelope(head: Head, decision: Decision) -> dict[str, Any]:
    return {"tenant": head.tenant, "channel": head.channel, "conv": head.conv, "at": decision.at, "by": decision.by}
