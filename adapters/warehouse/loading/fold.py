"""The facts of one conversation, folded from its events: pure, no clock, no I/O (metrics.md).

`fold` is the only place that decides what a measure is; `adapters/warehouse/loading/facts.py` turns facts into a
row. Times are UTC ms from `at`, order is the sequence. Measures by the calendar, not by business hours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, structs

from backbone import events as ev


class Facts(Struct, frozen=True, kw_only=True):
    """A conversation up to the event at (`epoch`, `seq`). None: hasn't happened. Durations in ms.

    `*_since` are the beginnings of what is still going on: a turn without an answer, a stay in a queue,
    a stretch held by an agent, a wrap-up, time spent resolved.
    """

    tenant: str
    conversation: str
    channel: str
    stored_ms: int
    epoch: int = 0
    seq: int = 0
    inbox: str = ""
    contact: str = ""
    contact_name: str = ""
    previous: str = ""
    status: str = "queued"
    agent: str = ""
    team: str = ""
    first_team: str = ""
    opened_by: str = ""
    opened_at: int = 0
    last_at: int = 0
    first_visitor_at: int | None = None
    first_bot_at: int | None = None
    first_agent_at: int | None = None
    is_outbound: bool = False
    handoff_at: int | None = None
    turn_since: int | None = None
    human_rounds: int = 0
    human_rounds_ms: int = 0
    bot_rounds: int = 0
    bot_rounds_ms: int = 0
    queued_since: int | None = None
    queue_entries: int = 0
    queue_waits: int = 0
    first_queue_wait_ms: int | None = None
    queue_wait_total_ms: int = 0
    held_since: int | None = None
    held_ms: int | None = None
    wrapup_since: int | None = None
    wrapup_ms: int | None = None
    first_resolved_at: int | None = None
    resolved_at: int | None = None
    resolved_ms: int = 0
    closed_at: int | None = None
    close_reason: str = ""
    messages_visitor: int = 0
    messages_agent: int = 0
    messages_bot: int = 0
    messages_system: int = 0
    notes: int = 0
    reopens: int = 0
    reopens_by_agent: int = 0
    transfers: int = 0
    reassigned: int = 0
    rating_requested_at: int | None = None
    rating_at: int | None = None
    rating: int | None = None
    clock_skew: bool = False


_TIMELESS: Final = (ev.SlaBreached, ev.DeliveryUpdated, ev.ReadMarked)
"""A breach is dated by its deadline, marks by nothing that a measure uses: no sign of a skewed clock."""


def empty(tenant: str, conversation: str, channel: str, stored_ms: int) -> Facts:
    """A conversation before its first event, which was stored at `stored_ms`."""
    return Facts(tenant=tenant, conversation=conversation, channel=channel, stored_ms=stored_ms)


def fold(facts: Facts, event: ev.Event | None, seq: int, epoch: int) -> Facts:
    """`facts` after the event stored at (epoch, seq); None stands for an event of unknown content.

    What is at or below the facts' own place changes nothing.
    """
    if (epoch, seq) <= (facts.epoch, facts.seq):
        return facts
    if event is None or isinstance(event, _TIMELESS):
        return structs.replace(facts, epoch=epoch, seq=seq)
    change = _CHANGES.get(type(event))
    changed = change(facts, event) if change else {}
    if not facts.opened_at:
        changed.setdefault("opened_at", event.at)
        changed.setdefault("opened_by", event.by.kind)
    if event.at < facts.last_at:
        changed["clock_skew"] = True
    return structs.replace(facts, epoch=epoch, seq=seq, last_at=max(event.at, facts.last_at), **changed)


def is_milestone(before: Facts, after: Facts, event: ev.Event | None) -> bool:
    """Whether the row must be written now: anything but one more message of a kind that was there before."""
    if isinstance(event, ev.MessageAdded):
        return (before.first_visitor_at, before.first_bot_at, before.first_agent_at, before.contact_name) != (
            after.first_visitor_at,
            after.first_bot_at,
            after.first_agent_at,
            after.contact_name,
        )
    return type(event) in _CHANGES


def _span(since: int | None, until: int) -> int:
    return 0 if since is None else max(0, until - since)


def _opened(_facts: Facts, e: ev.ConversationOpened) -> dict[str, Any]:
    return {
        "inbox": e.inbox,
        "contact": e.contact,
        "contact_name": e.contact_name,
        "previous": e.previous,
        "opened_at": e.at,
        "opened_by": e.by.kind,
    }


def _message(facts: Facts, e: ev.MessageAdded) -> dict[str, Any]:
    if e.note:
        return {"notes": facts.notes + 1}
    return _BY_SENDER[e.by.kind](facts, e)


def _from_visitor(facts: Facts, e: ev.MessageAdded) -> dict[str, Any]:
    changed: dict[str, Any] = {"messages_visitor": facts.messages_visitor + 1}
    if facts.first_visitor_at is None:
        changed["first_visitor_at"] = e.at
    if facts.turn_since is None:
        changed["turn_since"] = e.at
    if e.by.name:
        changed["contact_name"] = e.by.name
    return changed | _awake(facts)


def _from_agent(facts: Facts, e: ev.MessageAdded) -> dict[str, Any]:
    changed: dict[str, Any] = {"messages_agent": facts.messages_agent + 1}
    if facts.first_agent_at is None:
        changed |= {"first_agent_at": e.at, "is_outbound": facts.first_visitor_at is None}
    if facts.turn_since is not None:
        changed |= {
            "turn_since": None,
            "human_rounds": facts.human_rounds + 1,
            "human_rounds_ms": facts.human_rounds_ms + _span(facts.turn_since, e.at),
        }
    return changed


def _from_bot(facts: Facts, e: ev.MessageAdded) -> dict[str, Any]:
    changed: dict[str, Any] = {"messages_bot": facts.messages_bot + 1}
    # A bot that speaks before the visitor greets; it answers nothing.
    if facts.first_visitor_at is not None and facts.first_bot_at is None and facts.first_agent_at is None:
        changed["first_bot_at"] = e.at
    if facts.turn_since is not None:
        changed |= {
            "turn_since": None,
            "bot_rounds": facts.bot_rounds + 1,
            "bot_rounds_ms": facts.bot_rounds_ms + _span(facts.turn_since, e.at),
        }
    return changed


def _from_system(facts: Facts, _e: ev.MessageAdded) -> dict[str, Any]:
    return {"messages_system": facts.messages_system + 1}


def _awake(facts: Facts) -> dict[str, Any]:
    if facts.status != "snoozed":
        return {}
    return {"status": "open" if facts.agent else "queued"}


def _end_hold(facts: Facts, at: int) -> dict[str, Any]:
    """The stretch that ends now, if an agent holds the conversation."""
    if facts.held_since is None:
        return {}
    return {"held_since": None, "held_ms": (facts.held_ms or 0) + _span(facts.held_since, at)}


def _end_wait(facts: Facts, at: int) -> dict[str, Any]:
    """The stay that ends now, if the conversation is in a queue."""
    if facts.queued_since is None:
        return {}
    wait = _span(facts.queued_since, at)
    return {
        "queued_since": None,
        "queue_waits": facts.queue_waits + 1,
        "queue_wait_total_ms": facts.queue_wait_total_ms + wait,
    } | ({"first_queue_wait_ms": wait} if facts.queue_waits == 0 else {})


def _queue_entered(facts: Facts, e: ev.QueueEntered) -> dict[str, Any]:
    return _end_wait(facts, e.at) | {
        "status": "queued",
        "agent": "",
        "team": e.team or facts.team,
        "first_team": facts.first_team or e.team,
        "queued_since": e.at,
        "queue_entries": facts.queue_entries + 1,
        "handoff_at": facts.handoff_at if facts.handoff_at is not None else e.at,
    }


def _queue_left(facts: Facts, e: ev.QueueLeft) -> dict[str, Any]:
    return _end_wait(facts, e.at)


def _assigned(facts: Facts, e: ev.ConversationAssigned) -> dict[str, Any]:
    return (
        _end_hold(facts, e.at)
        | _end_wait(facts, e.at)
        | {
            "status": "open",
            "agent": e.agent,
            "team": e.team or facts.team,
            "first_team": facts.first_team or e.team,
            "held_since": e.at,
            "handoff_at": facts.handoff_at if facts.handoff_at is not None else e.at,
        }
    )


def _released(facts: Facts, e: ev.ConversationReleased) -> dict[str, Any]:
    return _end_hold(facts, e.at) | {"status": "queued", "agent": ""}


def _transferred(facts: Facts, e: ev.ConversationTransferred) -> dict[str, Any]:
    counted = "reassigned" if e.by.kind == "system" else "transfers"
    changed = _end_hold(facts, e.at) | {counted: getattr(facts, counted) + 1}
    if e.to_agent:
        return changed | {"status": "open", "agent": e.to_agent, "held_since": e.at}
    return changed | {
        "status": "queued",
        "agent": "",
        "team": e.to_team,
        "first_team": facts.first_team or e.to_team,
    }


def _snoozed(_facts: Facts, _e: ev.ConversationSnoozed) -> dict[str, Any]:
    return {"status": "snoozed"}


def _resolved(facts: Facts, e: ev.ConversationResolved) -> dict[str, Any]:
    return (
        _end_hold(facts, e.at)
        | _end_wait(facts, e.at)
        | {
            "status": "resolved",
            "turn_since": None,
            "resolved_at": e.at,
            "first_resolved_at": facts.first_resolved_at if facts.first_resolved_at is not None else e.at,
        }
    )


def _reopened(facts: Facts, e: ev.ConversationReopened) -> dict[str, Any]:
    counted = "reopens_by_agent" if e.by.kind == "agent" else "reopens"
    return {
        counted: getattr(facts, counted) + 1,
        "status": "open" if e.agent else "queued",
        "agent": e.agent,
        "held_since": e.at if e.agent else None,
        "resolved_at": None,
        "resolved_ms": facts.resolved_ms + _span(facts.resolved_at, e.at),
    }


def _closed(facts: Facts, e: ev.ConversationClosed) -> dict[str, Any]:
    return (
        _end_hold(facts, e.at)
        | _end_wait(facts, e.at)
        | {"status": "closed", "turn_since": None, "closed_at": e.at, "close_reason": e.reason}
    )


def _wrapup_started(_facts: Facts, e: ev.WrapupStarted) -> dict[str, Any]:
    return {"wrapup_since": e.at}


def _wrapup_ended(facts: Facts, e: ev.WrapupEnded) -> dict[str, Any]:
    return {"wrapup_since": None, "wrapup_ms": (facts.wrapup_ms or 0) + _span(facts.wrapup_since, e.at)}


def _rating_requested(_facts: Facts, e: ev.RatingRequested) -> dict[str, Any]:
    return {"rating_requested_at": e.at}


def _rating_given(_facts: Facts, e: ev.RatingGiven) -> dict[str, Any]:
    return {"rating_at": e.at, "rating": on_five(e.score, e.scale)}


def on_five(score: int, scale: int) -> int:
    """A rating on a scale of 1 to 5: 3 of 3 is 5, 2 of 3 is 3, thumbs up is 5, down is 1."""
    if scale == 5:
        return min(max(score, 1), 5)
    if scale <= 2:
        return 5 if score >= scale else 1
    return min(max(round(1 + 4 * (score - 1) / (scale - 1)), 1), 5)


def _linked(facts: Facts, e: ev.ContactLinked) -> dict[str, Any]:
    return {"contact_name": e.name} if e.name and facts.contact == e.contact else {}


def _merged(facts: Facts, e: ev.ContactMerged) -> dict[str, Any]:
    return {"contact": e.contact, "contact_name": e.name or facts.contact_name} if facts.contact == e.merged else {}


_BY_SENDER: Final[dict[str, Callable[[Facts, ev.MessageAdded], dict[str, Any]]]] = {
    "visitor": _from_visitor,
    "provider": _from_visitor,
    "agent": _from_agent,
    "bot": _from_bot,
    "system": _from_system,
}

_CHANGES: Final[dict[type, Callable[[Facts, Any], dict[str, Any]]]] = {
    ev.ConversationOpened: _opened,
    ev.MessageAdded: _message,
    ev.QueueEntered: _queue_entered,
    ev.QueueLeft: _queue_left,
    ev.ConversationAssigned: _assigned,
    ev.ConversationReleased: _released,
    ev.ConversationTransferred: _transferred,
    ev.ConversationSnoozed: _snoozed,
    ev.ConversationResolved: _resolved,
    ev.ConversationReopened: _reopened,
    ev.ConversationClosed: _closed,
    ev.WrapupStarted: _wrapup_started,
    ev.WrapupEnded: _wrapup_ended,
    ev.RatingRequested: _rating_requested,
    ev.RatingGiven: _rating_given,
    ev.ContactLinked: _linked,
    ev.ContactMerged: _merged,
}
