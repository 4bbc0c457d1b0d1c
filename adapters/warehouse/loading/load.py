"""One load into the tables, so that a kill at any point leaves nothing lost and nothing doubled.

Order: the promise, events, messages, conversations, done (warehouse.md, section 2).

A first attempt carries tokens made of the promised ranges, so that an insert sent twice arrives once. A load
done over again must not: MergeTree writes a token into its deduplication log *before* it commits the part, so
that a kill between the two leaves a token whose rows never came, and an insert with it is dropped in silence
(`tests/faults/test_warehouse_kill.py` loses a load in ten to twenty kills that way). It looks for its rows
instead; one month, one part: they are there all together or not at all.

Rows of `conversations` never carry a token: they depend on what memory held, and a token must name rows that
don't change. Their version makes a repeat harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.loading import journal, pack
from adapters.warehouse.loading.checksum import checksum
from adapters.warehouse.loading.decode import Stored, decode
from adapters.warehouse.loading.fold import Facts
from adapters.warehouse.loading.journal import Done, Promise, Totals
from adapters.warehouse.loading.memory import Holds, Key, Memory, Past
from adapters.warehouse.loading.plan import Place, token
from adapters.warehouse.statements import internal
from backbone import events as ev
from backbone import failpoints
from backbone.errors import TrunklineError
from backbone.nats import subjects
from backbone.nats.reader import Entry
from backbone.nats.subjects import DESK

KEYS_AT_ONCE: Final = 1_000


class FencedError(TrunklineError):
    """Another loader with a newer lease has written; this one must stop."""

    code = "warehouse.fenced"


class Load(NamedTuple):
    """What one load holds and where it stands.

    `cursors` and `newest_ms` (stored time of the newest event) are those after it; `is_promised`: it was begun
    by a loader that died, and is done over again.
    """

    promise: Promise
    rows: Sequence[Stored]
    cursors: dict[str, Place]
    newest_ms: int
    is_promised: bool


def perform(client: Client, load: Load, memory: Memory, holds: Holds, keep_days: int) -> Totals:
    """Brings a load into every table. Raises FencedError if a newer loader has been here."""
    promise = load.promise
    if journal.newest_fence(client, promise.group, promise.number) > promise.fence:
        raise FencedError(message=f"Load {promise.number} of group {promise.group} was begun by a newer loader.")
    if not load.is_promised:
        journal.begin(client, promise)
    now_ms = max((row.stored_ms for row in load.rows), default=0)
    _learn(client, memory, memory.missing(load.rows, now_ms), holds)
    prevs, due = memory.apply(load.rows, now_ms)
    totals = Totals(len(load.rows), checksum([row.seq for row in load.rows], [row.id for row in load.rows]))
    if load.rows and not (load.is_promised and _present(client, load) == totals):
        _insert(client, load, "events", pack.events_table(load.rows, prevs, keep_days))
    if messages := _messages(client, load.rows, memory):
        _insert(client, load, "messages", pack.messages_table(messages, keep_days))
    if due:
        client.insert_arrow("conversations", pack.conversations_table(due, keep_days))
    done = Done(promise.number, load.cursors, load.newest_ms, memory.unwritten_since)
    journal.finish(client, promise, totals, done)
    return totals


def write_due(client: Client, memory: Memory, holds: Holds, now_ms: int, keep_days: int) -> int:
    """Writes the rows of conversations that are due by `now_ms` without any new event; returns how many."""
    _learn(client, memory, memory.missing([], now_ms), holds)
    _, due = memory.apply([], now_ms)
    if due:
        client.insert_arrow("conversations", pack.conversations_table(due, keep_days))
    return len(due)


def moved_since(client: Client, since_ms: int) -> list[Key]:
    """Conversations of which an event was stored at or after `since_ms`."""
    return [(str(t), str(c)) for t, c in rows(client, internal("moved_since"), {"since_ms": since_ms})]


def remake(client: Client, keys: list[Key], memory: Memory, holds: Holds) -> tuple[list[pack.Message], list[Facts]]:
    """The messages and facts of some conversations, from those of their events for which `holds` is true."""
    _learn(client, memory, keys, holds)
    found = [
        _stored(past)
        for past in _past(client, "past", {"keys": keys})
        if past.channel != DESK and holds(past.stream, past.epoch, past.seq)
    ]
    return _messages(client, found, memory), [facts for key in keys if (facts := memory.facts(*key)) is not None]


def _insert(client: Client, load: Load, table: str, packed: Any) -> None:
    if load.is_promised:
        settings = {"insert_deduplicate": "0"}
    else:
        settings = {"insert_deduplication_token": token(load.promise.ranges, table)}
    client.insert_arrow(table, packed, settings=settings)
    if failpoints.ARMED:
        failpoints.reach("warehouse.inserted")


def _present(client: Client, load: Load) -> Totals:
    """What the table has of the promised ranges."""
    events, total = 0, 0
    times = [row.stored_ms for row in load.rows]
    for r in load.promise.ranges:
        bounds = {"stream": r.s, "epoch": r.epoch, "first": r.first, "last": r.last}
        found = rows(client, internal("present"), {**bounds, "from_ms": min(times), "to_ms": max(times)})[0]
        events, total = events + int(found[0]), total ^ int(found[1])
    return Totals(events, total)


def _learn(client: Client, memory: Memory, keys: list[Key], holds: Holds) -> None:
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        memory.learn(some, _past(client, "past", {"keys": some}), holds)


def _messages(client: Client, load: Sequence[Stored], memory: Memory) -> list[pack.Message]:
    """The rows of `messages` that a load makes, in its order; changes of what was never seen make none."""
    targets = [
        (row.tenant, row.conv, _target(row.event))
        for row in load
        if isinstance(row.event, ev.MessageEdited | ev.MessageRecalled)
    ]
    far = _originals(client, [target for target in targets if memory.message(*target) is None])
    found = []
    for row in load:
        match row.event:
            case ev.MessageAdded():
                found.append(pack.Message(row, row, memory.inbox(row)))
            case ev.MessageEdited() | ev.MessageRecalled():
                target = (row.tenant, row.conv, _target(row.event))
                origin = memory.message(*target) or far.get(target)
                if origin is not None:
                    found.append(pack.Message(origin, row, memory.inbox(row)))
    return found


def _originals(client: Client, targets: Sequence[tuple[str, str, bytes]]) -> dict[tuple[str, str, bytes], Stored]:
    """Messages that came long ago, by tenant, conversation and id."""
    if not targets:
        return {}
    parameters = {
        "keys": sorted({(tenant, conv) for tenant, conv, _ in targets}),
        "ids": sorted({str(UUID(bytes=id_)) for _, _, id_ in targets if id_}),
    }
    found = {}
    for past in _past(client, "originals", parameters):
        row = _stored(past)
        found[row.tenant, row.conv, row.id] = row
    return found


def _stored(past: Past) -> Stored:
    subject = subjects.chat(past.tenant, past.channel, past.conversation)
    return decode(Entry(past.stream, past.seq, past.stored_ms, subject, past.raw), past.epoch)


def _target(event: ev.MessageEdited | ev.MessageRecalled) -> bytes:
    try:
        return UUID(event.target).bytes
    except ValueError:
        return b""


def _past(client: Client, name: str, parameters: dict[str, Any]) -> list[Past]:
    found = rows(client, internal(name), parameters, column_formats={"raw": "bytes"})
    return [Past._make([*row[:-1], _bytes(row[-1])]) for row in found]


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
