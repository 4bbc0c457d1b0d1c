"""What a channel must know of one conversation to send into it: folded from the log, pure, no clock.

A message of ours is settled once each of its parts has an outcome that is final; the log holds the outcomes
(`delivery.updated`), so that whoever takes a conversation over knows what was sent.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final, TypeGuard

from msgspec import Struct, field

from adapters.channels.kit import windows
from adapters.channels.kit.windows import State as WindowState
from backbone import events as ev
from backbone.channel import Peer
from backbone.conversation import Head, empty, fold

MOST_REFS: Final = 50
MOST_HEARD: Final = 20
MOST_OUTCOMES: Final = 1000

RANK: Final[dict[str, int]] = {"accepted": 1, "unknown": 2, "sent": 3, "failed": 4, "delivered": 5, "read": 6}
"""Of a part's states the highest stands: receipts come in any order, and nothing goes back."""

WAITING: Final = 0
"""Rank of a failure that isn't final: the message still waits."""

SETTLED: Final = RANK["accepted"]
"""From here on nothing more is sent."""

LEFT: Final = "The customer takes no messages: they blocked this account or no longer follow it."

PEER: Final = "peer"
"""Name in a conversation's context: by what the provider calls the customer now."""

REFUSED: Final = "channel.refused_later"
"""Code of a platform's refusal of what it had taken, where another try may succeed."""

AGAIN: Final = "channel.again"
"""Code of an update by which somebody wants a message that was given up to be sent after all."""


class Outcome(Struct):
    """What became of one part: the state's rank, and the provider's id of it."""

    rank: int
    provider: str = ""


class Again(Struct):
    """When (UTC ms) a message was last wanted to be sent after all, and how often."""

    at: int
    times: int


class Conversation(Struct):
    """One conversation as its channel sees it, after the event at `seq`."""

    head: Head
    seq: int = 0
    thread: str = ""
    subject: str = ""
    cc: list[str] | None = None
    """Who gets a copy by an agent's last word; None since the customer's last mail, which names its own."""

    context: dict[str, str] = {}
    refs: list[str] = []
    window: WindowState = field(default_factory=WindowState)
    outcomes: OrderedDict[str, dict[int, Outcome]] = field(default_factory=OrderedDict)
    parts: dict[str, int] = {}
    provider_ids: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Provider's ids by event, of both sides' messages, so that an answer can name what it answers."""

    pending: dict[str, int] = {}
    """Messages of ours that aren't settled, by id, with their sequences, oldest first."""

    failed: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Those that failed for good, by id, with their sequences."""

    again: dict[str, Again] = {}
    """Those of which somebody wanted that they be sent after all."""

    withdrawn: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Messages of ours that were withdrawn: what isn't sent by then never is."""

    texts: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """What messages of ours were changed to."""

    places: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Sequences of messages of ours, so that one that is refused later waits anew."""

    refused: dict[str, int] = {}
    """How often the platform refused later what it had taken, by message."""

    inherited: set[str] = set()
    """Those of them that somebody else may have begun to send."""

    blocked: str = ""
    """Why the customer takes nothing more."""

    heard: list[tuple[int, str]] = []
    """The customer's last messages: sequence, and the provider's id."""

    visited: bool = False
    """Whether the customer fetches messages from a node; then `reached` is the last that they have."""

    reached: int = 0


def begin(tenant: str, channel: str, conv: str, *, visited: bool = False) -> Conversation:
    """A conversation before its first event."""
    return Conversation(head=empty(tenant, channel, conv), visited=visited)


def apply(known: Conversation, event: ev.Event | ev.Envelope, seq: int) -> None:
    """Takes the event at `seq` in; one at or below `known.seq` changes nothing."""
    if seq <= known.seq:
        return
    known.seq = seq
    known.head = fold(known.head, event, seq)
    if isinstance(event, ev.ConversationOpened):
        known.thread = event.thread
    elif isinstance(event, ev.MessageAdded):
        if is_ours(event):
            known.places[event.id] = seq
            _drop_oldest(known.places)
            if not is_settled(known, event.id):
                known.pending[event.id] = seq
        _message(known, event)
    elif isinstance(event, ev.DeliveryUpdated | ev.ReadMarked):
        note(known, event)
    elif is_change(event):
        _changed(known, event)


def is_ours(event: ev.Event | ev.Envelope) -> TypeGuard[ev.MessageAdded]:
    """Whether an event is a message that must go out: by our side, public, and not from the provider itself."""
    return (
        isinstance(event, ev.MessageAdded)
        and event.by.kind in {"agent", "bot", "system"}
        and not event.note
        and event.provider is None
    )


def is_change(event: ev.Event | ev.Envelope) -> TypeGuard[ev.MessageEdited | ev.MessageRecalled]:
    """Whether an agent changes or withdraws a public message of ours, so that its channel must do it, too."""
    return isinstance(event, ev.MessageEdited | ev.MessageRecalled) and event.by.kind == "agent" and not event.note


def refs_of(known: Conversation, event_id: str) -> list[str]:
    """Provider's ids of a message's parts, in order."""
    outcomes = known.outcomes.get(event_id, {})
    return [outcomes[n].provider for n in sorted(outcomes) if outcomes[n].provider]


def is_settled(known: Conversation, event_id: str) -> bool:
    """Whether nothing more is to be sent of a message: each part is, or one failed for good and stopped the rest."""
    if event_id in known.withdrawn:
        return True
    outcomes = known.outcomes.get(event_id)
    if not outcomes:
        return False
    if any(o.rank == RANK["failed"] for o in outcomes.values()):
        return True
    count = known.parts.get(event_id, 1)
    return all((o := outcomes.get(n)) is not None and o.rank >= SETTLED for n in range(count))


def part_is_settled(known: Conversation, event_id: str, part: int) -> bool:
    """Whether a part needs no more sending."""
    outcome = known.outcomes.get(event_id, {}).get(part)
    return outcome is not None and outcome.rank >= SETTLED


def is_again(event: ev.Event | ev.Envelope) -> bool:
    """Whether an event wants a message that was given up to be sent after all."""
    return isinstance(event, ev.DeliveryUpdated) and event.error is not None and event.error.code == AGAIN


def is_refused_later(event: ev.Event | ev.Envelope, known: Conversation) -> TypeGuard[ev.DeliveryUpdated]:
    """Whether an event that was taken in made a message of ours wait anew."""
    return (
        isinstance(event, ev.DeliveryUpdated)
        and event.provider != ""
        and event.error is not None
        and not event.error.final
        and event.target in known.pending
        and event.target in known.refused
    )


def peer_of(known: Conversation) -> str:
    """By what the provider calls the customer now."""
    return known.context.get(PEER, "") or known.head.peer


def moved_to(peer: Peer) -> dict[str, str]:
    """The context that says by what the provider calls the customer from now on."""
    return {PEER: peer.id}


def rank_of(state: str, *, is_final: bool) -> int:
    """The rank of a state; a failure that isn't final ranks lowest."""
    return WAITING if state == "failed" and not is_final else RANK[state]


def _message(known: Conversation, event: ev.MessageAdded) -> None:
    if event.note:
        return
    if event.subject and not known.subject:
        known.subject = event.subject
    if event.cc is not None:
        known.cc = event.cc
    if event.provider is None:
        return
    _remember(known, event.id, event.provider.id)
    if event.by.kind == "visitor" and _opens(event) == "blocked":
        known.blocked = LEFT
    elif event.by.kind == "visitor":
        if event.kind != "event":
            known.heard = [*known.heard, (known.seq, event.provider.id)][-MOST_HEARD:]
        known.blocked = ""
        windows.opened(known.window, _opens(event), event.provider.at or event.at)
        if event.provider.context:
            known.cc = None
            known.context = {**known.context, **event.provider.context}
    elif event.kind != "event":
        windows.sent(known.window)


def _opens(event: ev.MessageAdded) -> str:
    return event.text if event.kind == "event" else "message"


def note(known: Conversation, event: ev.DeliveryUpdated | ev.ReadMarked) -> None:
    """Takes an outcome in, also ahead of the events between; the same one again changes nothing."""
    if isinstance(event, ev.ReadMarked):
        _fetched(known, event)
    elif is_again(event):
        _again(known, event)
    else:
        _outcome(known, event)


def _fetched(known: Conversation, mark: ev.ReadMarked) -> None:
    """What the customer has fetched needs no sending."""
    if known.visited and mark.reader == "visitor":
        known.reached = max(known.reached, mark.read, mark.delivered)
        known.pending = {event: seq for event, seq in known.pending.items() if seq > known.reached}


def _outcome(known: Conversation, event: ev.DeliveryUpdated) -> None:
    is_final = event.error is None or event.error.final
    rank = rank_of(event.state, is_final=is_final)
    of_event = known.outcomes.setdefault(event.target, {})
    for old in _drop_oldest(known.outcomes):
        known.parts.pop(old, None)
    known.parts[event.target] = max(event.parts, known.parts.get(event.target, 1))
    before = of_event.get(event.part)
    if rank == WAITING and before is not None and _is_taken_back(before, event):
        _wait_anew(known, event, before)
        before = None
    if (before is None or before.rank == WAITING) and rank != WAITING and event.state != "failed":
        windows.sent(known.window)
    if event.error is not None and event.error.code == "channel.window_platform":
        windows.shut(known.window, event.at)
    if event.part not in of_event or (before is not None and rank > before.rank):
        of_event[event.part] = Outcome(rank, event.provider or (before.provider if before else ""))
    if event.provider:
        _remember(known, event.target, event.provider)
    if is_settled(known, event.target):
        seq = known.pending.pop(event.target, 0)
        if seq and known.outcomes[event.target][event.part].rank == RANK["failed"]:
            known.failed[event.target] = seq
            _drop_oldest(known.failed)


def _changed(known: Conversation, event: ev.MessageEdited | ev.MessageRecalled) -> None:
    if isinstance(event, ev.MessageEdited):
        known.texts[event.target] = event.text
    else:
        known.withdrawn[event.target] = None
        known.pending.pop(event.target, None)
    _drop_oldest(known.texts)
    _drop_oldest(known.withdrawn)


def _is_taken_back(before: Outcome, event: ev.DeliveryUpdated) -> bool:
    """Whether the provider refuses what it had taken, and not an earlier sending of it."""
    is_same = event.provider != "" and before.provider in {"", event.provider}
    return is_same and SETTLED <= before.rank < RANK["failed"]


def _wait_anew(known: Conversation, event: ev.DeliveryUpdated, part: Outcome) -> None:
    part.rank, part.provider = WAITING, ""
    seq = known.places.get(event.target, 0)
    if seq:
        known.pending = dict(sorted([*known.pending.items(), (event.target, seq)], key=lambda one: one[1]))
    known.refused[event.target] = known.refused.get(event.target, 0) + 1
    _drop_oldest(known.refused)


def _again(known: Conversation, event: ev.DeliveryUpdated) -> None:
    """The part waits anew, unless it was sent meanwhile."""
    part = known.outcomes.get(event.target, {}).get(event.part)
    seq = known.failed.pop(event.target, 0)
    if part is not None and part.rank == RANK["failed"]:
        part.rank = WAITING
        if seq:
            known.pending[event.target] = seq
    before = known.again.get(event.target)
    known.again[event.target] = Again(event.at, before.times + 1 if before else 1)
    _drop_oldest(known.again)


def _remember(known: Conversation, event_id: str, provider_id: str) -> None:
    known.provider_ids[event_id] = provider_id
    known.refs = [*known.refs, provider_id][-MOST_REFS:]
    _drop_oldest(known.provider_ids)


def _drop_oldest(kept: dict[str, Any]) -> list[str]:
    """Keeps the newest 1,000; the ids of the others."""
    dropped = []
    while len(kept) > MOST_OUTCOMES:
        oldest = next(iter(kept))
        del kept[oldest]
        dropped.append(oldest)
    return dropped
