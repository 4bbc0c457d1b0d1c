"""What agents and routing do to a conversation, as events: pure (log-and-protocol.md, "Deciding").

`plan` says which events an act makes on a head, or why it may not. Ids and time are arguments, so that a
retry makes the same events. `backbone/decide.py` writes them.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from backbone import events as ev
from backbone.conversation import ActName, Head, may_follow
from backbone.ids import derived_event_id


class Act(Struct, frozen=True, kw_only=True):
    """One act: `id` is the client's (or derived), `at` UTC ms, `agent` whom it concerns."""

    id: str
    do: ActName
    by: ev.Actor
    at: int
    agent: str = ""
    team: str = ""
    why: str = ""
    reason: ev.AssignmentReason | None = None
    since: int = 0


class Refusal(Struct, frozen=True):
    """The act isn't legal on the head; `code` is stable."""

    code: str


def plan(head: Head, act: Act) -> list[ev.Event] | Refusal:
    """The events that `act` makes on `head`, in order, or the refusal."""
    refused = may_follow(head, act.do, act.agent)
    if refused:
        return Refusal(refused)
    match act.do:
        case "take" | "assign":
            return _assign(head, act)
        case "release":
            return _release(head, act)
        case "resolve":
            return [ev.ConversationResolved(id=act.id, reason=act.why, **_envelope(head, act))]
        case "reopen":
            return _reopen(head, act)
        case "close":
            return [ev.ConversationClosed(id=act.id, reason=act.why, **_envelope(head, act))]


def _assign(head: Head, act: Act) -> list[ev.Event]:
    assigned = ev.ConversationAssigned(
        id=act.id,
        agent=act.agent,
        team=act.team,
        reason=act.reason,
        previous=head.agent,
        **_envelope(head, act),
    )
    if head.queue is None:
        return [assigned]
    left = ev.QueueLeft(id=derived_event_id(act.id, "queue.left"), outcome="accepted", **_envelope(head, act))
    return [left, assigned]


def _release(head: Head, act: Act) -> list[ev.Event]:
    # Waiting goes on from when the customer began to wait, so that giving back costs nobody their place.
    since = act.since or head.waiting_since or act.at
    return [
        ev.ConversationReleased(id=act.id, agent=act.agent, why=act.why, **_envelope(head, act)),
        ev.QueueEntered(
            id=derived_event_id(act.id, "queue.entered"),
            team=head.team,
            priority=head.priority,
            since=since,
            **_envelope(head, act),
        ),
    ]


def _reopen(head: Head, act: Act) -> list[ev.Event]:
    reopened = ev.ConversationReopened(id=act.id, reason=act.why, agent=act.agent, **_envelope(head, act))
    if act.agent:
        return [reopened]
    entered = ev.QueueEntered(
        id=derived_event_id(act.id, "queue.entered"),
        team=head.team,
        priority=head.priority,
        since=head.waiting_since or act.at,
        **_envelope(head, act),
    )
    return [reopened, entered]


def _envelope(head: Head, act: Act) -> dict[str, Any]:
    return {"tenant": head.tenant, "channel": head.channel, "conv": head.conv, "at": act.at, "by": act.by}
