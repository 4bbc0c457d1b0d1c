"""What a conversation is, folded from its events: pure, no clock, no I/O.

`fold` is used by routing (which writes heads), by nodes and by channels (which start from a head and
fold what follows). Which act is legal on a head says `backbone/acts.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from backbone import events as ev

TEXT_IN_HEAD = 120
NAME_IN_HEAD = 200
ID_IN_HEAD = 64
LISTED_IN_HEAD = 100
"""Entries of each list of a head, the newest: a head is written with each event and read by every node."""

STEP_EVERY = 200
STEPS_KEPT = 50

ConversationStatus = Literal["queued", "open", "snoozed", "resolved", "closed"]


class ContactRef(Struct, frozen=True, omit_defaults=True):
    """The contact as the head shows it."""

    id: str
    name: str = ""


class QueuePlace(Struct, frozen=True, omit_defaults=True):
    """Since when (UTC ms) and as what a conversation waits."""

    at: int
    priority: int = 0
    skills: list[str] = []


class LastMessage(Struct, frozen=True, omit_defaults=True):
    """The newest public message, or note, in a line."""

    seq: int
    at: int
    by: ev.Actor
    kind: str = "text"
    text: str = ""
    note: bool = False
    id: str = ""
    recalled: bool = False


class Head(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A conversation at sequence `seq` of `epoch`. Times are UTC ms, `steps` and `read` sequences."""

    conv: str
    tenant: str
    channel: str
    inbox: str = ""
    contact: ContactRef = ContactRef("")
    peer: str = ""
    source: ev.Source = ev.Source()
    status: ConversationStatus = "queued"
    agent: str = ""
    team: str = ""
    queue: QueuePlace | None = None
    until: int = 0
    tags: list[str] = []
    priority: int = 0
    opened_at: int = 0
    resolved_at: int = 0
    waiting_since: int = 0
    last: LastMessage | None = None
    n: int = 0
    events: int = 0
    read: dict[str, int] = {}
    mentions: list[str] = []
    sla: list[str] = []
    window: int = 0
    previous: str = ""
    steps: list[int] = []
    epoch: int = 0
    seq: int = 0


def empty(tenant: str, channel: str, conv: str) -> Head:
    """A head before its first event."""
    return Head(conv=conv, tenant=tenant, channel=channel)


def fold(head: Head, event: ev.Event | ev.Envelope, seq: int, epoch: int = 0) -> Head:
    """`head` after `event`, stored at `seq`. An event at or below the head's sequence changes nothing."""
    if seq <= head.seq:
        return head
    changes = _CHANGES.get(type(event))
    changed = changes(head, event, seq) if changes else {}
    count = head.events + 1
    if (count - 1) % STEP_EVERY == 0:
        changed["steps"] = [*head.steps, seq][-STEPS_KEPT:]
    return structs.replace(head, seq=seq, epoch=epoch or head.epoch, events=count, **changed)


def closed_for_good(head: Head, now_ms: int, reopen_window_ms: int) -> bool:
    """Whether a new message must open another conversation."""
    return head.status == "closed" or (head.status == "resolved" and now_ms - head.resolved_at > reopen_window_ms)


def shown_to_visitor(event: ev.Event | ev.Envelope) -> bool:
    """Whether a visitor may see this event of a conversation of theirs."""
    if isinstance(event, ev.Envelope):
        return event.type in ev.SHOWN_TO_VISITORS and not event.type.startswith("message.")
    return event.is_for_visitors and not getattr(event, "note", False)


def seen_by_visitor(event: ev.Event | ev.Envelope, raw: bytes) -> bytes | None:
    """The bytes of an event as a visitor gets it; None for one that they may not see.

    Messages and read marks are as they are stored. Of all else they get the fields that this version knows, without
    those that are for colleagues: why an agent resolved it, what was wrong with the company's account at a provider.
    """
    if not shown_to_visitor(event):
        return None
    if isinstance(event, ev.Envelope):
        return msgspec.json.encode(event)
    if isinstance(event, _AS_STORED):
        return raw
    return ev.encode(structs.replace(event, **_INTERNAL.get(type(event), {})))


_AS_STORED = (ev.MessageAdded, ev.MessageEdited, ev.MessageRecalled, ev.ReadMarked)

_INTERNAL: dict[type, dict[str, Any]] = {
    ev.ConversationOpened: {"attributes": {}},
    ev.ConversationResolved: {"reason": "", "wrapup": ""},
    ev.ConversationReopened: {"reason": ""},
    ev.ConversationClosed: {"reason": ""},
    ev.DeliveryUpdated: {"provider": "", "error": None},
}
"""Fields that visitors don't get, with the value that stands for none."""


def _opened(_head: Head, e: ev.ConversationOpened, _seq: int) -> dict[str, Any]:
    return {
        "inbox": e.inbox,
        "contact": ContactRef(e.contact, e.contact_name[:NAME_IN_HEAD]),
        "peer": e.peer,
        "source": e.source,
        "previous": e.previous,
        "opened_at": e.at,
        "status": "queued",
        "queue": QueuePlace(e.at),
    }


def _message(head: Head, e: ev.MessageAdded, seq: int) -> dict[str, Any]:
    last = LastMessage(seq, e.at, e.by, e.kind, e.text[:TEXT_IN_HEAD], e.note, e.id)
    changed: dict[str, Any] = {"last": last}
    if e.mentions:
        mentioned = [agent for agent in e.mentions if len(agent) <= ID_IN_HEAD]
        earlier = [agent for agent in head.mentions if agent not in mentioned]
        changed["mentions"] = sorted([*earlier, *mentioned][-LISTED_IN_HEAD:])
    if e.note:
        return changed
    changed["n"] = head.n + 1
    if e.by.kind in {"visitor", "provider"}:
        if not head.waiting_since:
            changed["waiting_since"] = e.at
        if head.status == "snoozed":
            changed |= {"status": "open" if head.agent else "queued", "until": 0}
    elif e.by.kind == "agent":
        changed["waiting_since"] = 0
    return changed


def _edited(head: Head, e: ev.MessageEdited, _seq: int) -> dict[str, Any]:
    last = head.last
    if last is None or last.id != e.target or last.recalled:
        return {}
    return {"last": structs.replace(last, text=e.text[:TEXT_IN_HEAD])}


def _recalled(head: Head, e: ev.MessageRecalled, _seq: int) -> dict[str, Any]:
    """What was withdrawn stands in no list."""
    last = head.last
    return {"last": structs.replace(last, text="", recalled=True)} if last and last.id == e.target else {}


def _assigned(head: Head, e: ev.ConversationAssigned, _seq: int) -> dict[str, Any]:
    return {"agent": e.agent, "team": e.team or head.team, "status": "open", "queue": None, "until": 0}


def _released(head: Head, e: ev.ConversationReleased, _seq: int) -> dict[str, Any]:
    return {"agent": "", "status": "queued", "queue": head.queue or QueuePlace(e.at)}


def _transferred(_head: Head, e: ev.ConversationTransferred, _seq: int) -> dict[str, Any]:
    if e.to_agent:
        return {"agent": e.to_agent, "status": "open", "queue": None}
    return {"agent": "", "team": e.to_team, "status": "queued", "queue": QueuePlace(e.at)}


def _queue_entered(head: Head, e: ev.QueueEntered, _seq: int) -> dict[str, Any]:
    return {
        "status": "queued",
        "agent": "",
        "team": e.team or head.team,
        "priority": e.priority or head.priority,
        "queue": QueuePlace(e.since or e.at, e.priority, e.skills[:LISTED_IN_HEAD]),
    }


def _queue_left(_head: Head, e: ev.QueueLeft, _seq: int) -> dict[str, Any]:
    return {"queue": None} if e.outcome != "accepted" else {}


def _snoozed(_head: Head, e: ev.ConversationSnoozed, _seq: int) -> dict[str, Any]:
    return {"status": "snoozed", "until": e.until}


def _resolved(_head: Head, e: ev.ConversationResolved, _seq: int) -> dict[str, Any]:
    return {"status": "resolved", "resolved_at": e.at, "queue": None, "waiting_since": 0, "until": 0}


def _reopened(head: Head, e: ev.ConversationReopened, _seq: int) -> dict[str, Any]:
    agent = e.agent
    return {
        "status": "open" if agent else "queued",
        "agent": agent,
        "queue": None if agent else QueuePlace(e.at, head.priority),
        "resolved_at": 0,
    }


def _closed(_head: Head, e: ev.ConversationClosed, _seq: int) -> dict[str, Any]:
    return {"status": "closed", "resolved_at": e.at, "queue": None, "waiting_since": 0}


def _tagged(head: Head, e: ev.ConversationTagged, _seq: int) -> dict[str, Any]:
    kept = [t for t in head.tags if t not in e.removed]
    added = [t for t in e.added if t not in kept and len(t) <= ID_IN_HEAD]
    return {"tags": (kept + added)[-LISTED_IN_HEAD:]}


def _prioritised(_head: Head, e: ev.ConversationPrioritised, _seq: int) -> dict[str, Any]:
    return {"priority": e.priority}


def _read(head: Head, e: ev.ReadMarked, _seq: int) -> dict[str, Any]:
    if not e.read or len(e.reader) > ID_IN_HEAD:
        return {}
    others = [(reader, seq) for reader, seq in head.read.items() if reader != e.reader][-(LISTED_IN_HEAD - 1) :]
    return {"read": {**dict(others), e.reader: max(e.read, head.read.get(e.reader, 0))}}


def _linked(head: Head, e: ev.ContactLinked, _seq: int) -> dict[str, Any]:
    is_ours = e.name and head.contact.id == e.contact
    return {"contact": ContactRef(e.contact, e.name[:NAME_IN_HEAD])} if is_ours else {}


def _merged(head: Head, e: ev.ContactMerged, _seq: int) -> dict[str, Any]:
    return {"contact": ContactRef(e.contact, e.name[:NAME_IN_HEAD])} if head.contact.id == e.merged else {}


Change = Callable[[Head, Any, int], dict[str, Any]]

_CHANGES: dict[type, Change] = {
    ev.ConversationOpened: _opened,
    ev.MessageAdded: _message,
    ev.MessageEdited: _edited,
    ev.MessageRecalled: _recalled,
    ev.ConversationAssigned: _assigned,
    ev.ConversationReleased: _released,
    ev.ConversationTransferred: _transferred,
    ev.QueueEntered: _queue_entered,
    ev.QueueLeft: _queue_left,
    ev.ConversationSnoozed: _snoozed,
    ev.ConversationResolved: _resolved,
    ev.ConversationReopened: _reopened,
    ev.ConversationClosed: _closed,
    ev.ConversationTagged: _tagged,
    ev.ConversationPrioritised: _prioritised,
    ev.ReadMarked: _read,
    ev.ContactLinked: _linked,
    ev.ContactMerged: _merged,
}
