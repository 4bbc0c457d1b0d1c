"""Pages of a conversation's events for one reader: what a visitor may not see is left out, marks stay whole."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from backbone.acks import LogEvent
from backbone.asks.history import HISTORY, HistoryRequest, Position
from backbone.conversation import STEP_EVERY, Head, seen_by_visitor
from backbone.decide import is_readable, parse_tolerant
from backbone.events import parse_envelope
from backbone.log import Log
from backbone.nats import rpc
from backbone.nats.link import Link

NEWEST_MOST: Final = 20_000
PAGE_BYTES: Final = 512 * 1024
"""Half of what may wait for a slow reader: a page alone never closes a socket."""

Numbered = tuple[int, int, bytes]
"""(sequence, previous sequence of the conversation, stored bytes)."""


class Page(NamedTuple):
    """Events ascending; complete from where was asked to `upto`; `more` if the log goes on."""

    events: list[Numbered]
    upto: int
    more: bool


async def after(log: Log, subject: str, seq: int, limit: int) -> Page | None:
    """Events after the watermark `seq`; None if the watermark's own event isn't in the log."""
    found, more = await log.replay(subject, seq - 1 if seq else 0, limit + 1 if seq else limit)
    if seq:
        if not found or found[0].seq != seq:
            return None
        found = found[1:]
    return Page(_chain(found, seq), found[-1].seq if found else seq, more)


async def newest(log: Log, subject: str, head: Head, limit: int) -> Page:
    """The newest `limit` events; `head` says where to begin reading, since the log is read forward only."""
    found = await _read_from(log, subject, head, limit, before=0)
    return _tail(_chain(found, 0), found[-1].seq if found else 0, limit)


async def before(log: Log, subject: str, head: Head, seq: int, limit: int) -> Page:
    """The `limit` events before `seq`, as far as the log holds them."""
    found = await _read_from(log, subject, head, limit, before=seq)
    return _tail(_chain(found, 0), found[-1].seq if found else 0, limit)


async def from_warehouse(
    link: Link, tenant: str, conv: str, position: tuple[int, int] | None, limit: int
) -> list[Numbered]:
    """Older history than the log holds: the newest `limit` events before a position, ascending."""
    before = Position(*position) if position else None
    answer = await rpc.ask(link, "warehouse", tenant, HISTORY, HistoryRequest(conv, before, limit))
    return [(seq, prev, bytes(raw)) for _epoch, seq, prev, raw in answer.events]


def for_visitors(events: list[Numbered]) -> list[Numbered]:
    """A page as a visitor sees it, hidden events left out; the page's `upto` still covers them."""
    seen = [(seq, prev, _seen(raw)) for seq, prev, raw in events]
    return [(seq, prev, raw) for seq, prev, raw in seen if raw is not None]


def _seen(raw: bytes) -> bytes | None:
    try:
        return seen_by_visitor(parse_tolerant(raw), raw)
    except msgspec.DecodeError:
        return None


async def _read_from(log: Log, subject: str, head: Head, limit: int, before: int) -> list[LogEvent]:
    found = await log.replay_all(subject, max(0, _start(head, limit, before) - 1), NEWEST_MOST)
    return [e for e in found if e.seq < before] if before else found


def _start(head: Head, limit: int, before: int) -> int:
    """The sequence of the step from which at least `limit` + 1 events lead up to the end (or to `before`)."""
    steps = [s for s in head.steps if not before or s < before]
    # Between two steps lie STEP_EVERY events; the newest stretch may be shorter.
    back = 2 + limit // STEP_EVERY
    return steps[-back] if len(steps) >= back else (steps[0] if steps else 0)


def _tail(events: list[Numbered], upto: int, limit: int) -> Page:
    is_whole = not events or begins_conversation(events[0][2])
    # Only a conversation's first event has no predecessor; that of another first one isn't known here.
    known = events if is_whole else events[1:]
    kept = known[-_fitting(known, limit) :]
    return Page(kept, upto, len(known) > len(kept) or not is_whole)


def _fitting(events: list[Numbered], limit: int) -> int:
    """How many of the newest events make a page: at most `limit`, and of PAGE_BYTES unless one alone has more."""
    count = size = 0
    for _, _, raw in reversed(events[-limit:]):
        size += len(raw)
        if size > PAGE_BYTES and count:
            break
        count += 1
    return max(1, count)


def begins_conversation(raw: bytes) -> bool:
    """Whether a stored event is the first of its conversation."""
    try:
        return parse_envelope(raw).type == "conversation.opened"
    except msgspec.DecodeError:
        return False


def _chain(found: list[LogEvent], prev: int) -> list[Numbered]:
    """Each with the sequence before it. What isn't an event leaves a hole, as a hidden one does."""
    chained: list[Numbered] = []
    for event in found:
        if is_readable(event.raw):
            chained.append((event.seq, prev, event.raw))
        prev = event.seq
    return chained
