"""Writes a decision with compare-and-set: replay what came between, fold, ask again, write again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from backbone import acts
from backbone import events as ev
from backbone.acks import LogEvent, WrongSequenceError
from backbone.conversation import Head, empty, fold
from backbone.errors import ConflictError, TooManyError
from backbone.log import Log
from backbone.nats import subjects

TRIES: Final = 5
FOLD_AT_MOST: Final = 20_000


class Decided(NamedTuple):
    """The head after the decision, and the sequence of its last event."""

    head: Head
    seq: int


async def decide(log: Log, head: Head, decision: acts.Decision) -> Decided:
    """Writes `decision` on the conversation whose head was `head` at some time; an act that is stored already is done.

    Raises ConflictError with the deciding event where the act is no longer legal (its `code` says why),
    TooManyError `log.busy` after 5 tries, and what `Log.publish` raises.
    """
    subject = subjects.chat(head.tenant, head.channel, head.conv)
    decided_by: bytes | None = None
    for _ in range(TRIES):
        planned = acts.plan(head, decision)
        if isinstance(planned, acts.Refusal):
            newest = await _newest(log, head)
            if (seq := _place(newest, decision)) is not None:
                return Decided(head, seq)
            raise ConflictError(
                planned.code, acts.SAID.get(planned.code, ""), decided_by=decided_by or _last_decision(newest)
            )
        try:
            stored = await log.publish_batch(subject, planned, head.seq)
        except WrongSequenceError:
            between = await log.replay_all(subject, head.seq, FOLD_AT_MOST)
            for event in between:
                parsed = parse_tolerant(event.raw)
                if _is_of(parsed, decision):
                    return Decided(head, event.seq)
                head = fold(head, parsed, event.seq)
                if is_lifecycle(parsed):
                    decided_by = event.raw
            if not between and (seq := _own_place(await _newest(log, head), decision)) is not None:
                return Decided(head, seq)
            continue
        if stored.duplicate:
            _own_place(await _newest(log, head), decision)
        return _after(head, planned, stored.seq)
    raise TooManyError("log.busy", "The conversation moves too fast just now. Try again.", retry_after_ms=200)


def _after(head: Head, planned: list[ev.Event], last: int) -> Decided:
    """`head` after events of ours, the last of which is stored at `last`."""
    for seq, made in enumerate(planned, start=last - len(planned) + 1):
        head = fold(head, made, seq)
    return Decided(head, last)


async def read_head(log: Log, tenant: str, conv: str, known: Head | None) -> Head | None:
    """The head of a conversation as of now: `known` (from `heads`) and what follows, None if there is none."""
    if known is None:
        last = await log.last(subjects.any_channel(tenant, conv))
        if last is None:
            return None
        known = empty(tenant, subjects.parse_chat(last.subject).channel, conv)
    subject = subjects.chat(tenant, known.channel, conv)
    return fold_all(known, await log.replay_all(subject, known.seq, FOLD_AT_MOST))


def fold_all(head: Head, events: list[LogEvent]) -> Head:
    """`head` after `events`."""
    for event in events:
        head = fold(head, parse_tolerant(event.raw), event.seq)
    return head


async def _newest(log: Log, head: Head) -> list[LogEvent]:
    """The newest events of a conversation: those since the last step but one."""
    start = head.steps[-2] if len(head.steps) > 1 else 0
    return await log.replay_all(subjects.chat(head.tenant, head.channel, head.conv), max(0, start - 1), FOLD_AT_MOST)


def _place(newest: list[LogEvent], decision: acts.Decision) -> int | None:
    """Where an act is stored: its answer was lost, and it is asked again."""
    return next((e.seq for e in reversed(newest) if _is_of(parse_tolerant(e.raw), decision)), None)


def _own_place(newest: list[LogEvent], decision: acts.Decision) -> int | None:
    """As `_place`. Raises ConflictError `id.used` where somebody else's event has the act's id."""
    seq = _place(newest, decision)
    if seq is None and any(parse_tolerant(e.raw).id == decision.id for e in newest):
        raise ConflictError("id.used", "Another event has this id already; choose another.", field="id")
    return seq


def _is_of(event: ev.Event | ev.Envelope, decision: acts.Decision) -> bool:
    """Whether an event is what `decision` makes. Its id alone doesn't say: whoever writes messages chooses theirs."""
    by, ours = event.by, decision.by
    return event.id == decision.id and by.kind == ours.kind and by.id == ours.id and is_lifecycle(event)


def _last_decision(newest: list[LogEvent]) -> bytes | None:
    """The stored bytes of the lifecycle event that decided last, None if it isn't among the newest."""
    return next((e.raw for e in reversed(newest) if is_lifecycle(parse_tolerant(e.raw))), None)


def parse_tolerant(raw: bytes) -> ev.Event | ev.Envelope:
    """A stored event; of a type that this version doesn't know, its envelope.

    Raises msgspec.DecodeError for what isn't one: no JSON, or not UTF-8 wherever.
    """
    try:
        if not raw.isascii():
            # What a decoder skips it doesn't look at, and nobody may be sent what isn't text.
            raw.decode()
        try:
            return ev.parse(raw)
        except msgspec.ValidationError:
            return ev.parse_envelope(raw)
    except UnicodeDecodeError as wrong:
        raise msgspec.DecodeError(str(wrong)) from wrong


def naming(identity: str, events: Iterable[LogEvent]) -> Iterator[tuple[int, ev.Event | ev.Envelope]]:
    """Those of `events` that hold an id of ours wherever, with their sequences: what hasn't its bytes isn't decoded."""
    wanted = identity.encode()
    return ((each.seq, parse_tolerant(each.raw)) for each in events if wanted in each.raw)


def is_readable(raw: bytes) -> bool:
    """Whether stored bytes are an event, so that they may be shown."""
    try:
        parse_tolerant(raw)
    except msgspec.DecodeError:
        return False
    return True


def is_lifecycle(event: ev.Event | ev.Envelope) -> bool:
    """Whether an event says who owns a conversation or whether it is open."""
    if isinstance(event, ev.Envelope):
        return event.type in ev.LIFECYCLE
    return event.is_lifecycle
