"""What the log and the warehouse hold of a conversation, to be compared with what clients saw."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import msgspec

from backbone.events import SHOWN_TO_VISITORS
from backbone.nats.reader import read_range
from tests.harness.apart import run_apart
from tests.harness.system import System
from trunkline.client import Client
from trunkline.connect import connected

LOADED_WITHIN_S = 60.0


class Stored(NamedTuple):
    """One stored event: its sequence, its bytes, and the same decoded."""

    seq: int
    raw: bytes
    event: dict[str, Any]


async def stored_events(system: System, conv: str) -> list[Stored]:
    """All events of a conversation, as the log holds them."""
    async with connected(system.common, "test") as link:
        entries = await read_range(link, conv[:2], 1, 2**62)
    return [Stored(e.seq, e.raw, msgspec.json.decode(e.raw)) for e in entries if e.subject.endswith(f".{conv}")]


def assert_saw_the_log(client: Client, conv: str, log: list[Stored], *, is_visitor: bool) -> None:
    """What a client applied is the log's run of events that it may see: all, once, in order."""
    expected = [(e.seq, e.event["id"]) for e in log if not is_visitor or _is_shown(e.event)]
    applied = [(a.seq, a.event["id"]) for a in client.conversations[conv].events]
    assert applied == expected


def assert_stored_once(log: list[Stored], acknowledged: list[dict[str, Any]]) -> None:
    """Each `ok` names an event that is in the log once, at the sequence it said."""
    places: dict[str, list[int]] = {}
    for each in log:
        places.setdefault(each.event["id"], []).append(each.seq)
    assert {ok["id"]: [ok["seq"]] for ok in acknowledged} == {ok["id"]: places.get(ok["id"]) for ok in acknowledged}


def assert_in_the_warehouse(system: System, conv: str) -> None:
    """`trunkline sql` shows what the log holds, in the same order and with the stored bytes, once it has caught up."""
    query = f"SELECT seq, raw FROM events FINAL WHERE conversation = '{conv}' ORDER BY epoch, seq"
    deadline = time.monotonic() + LOADED_WITHIN_S
    rows, expected = [(0, "")], [(1, "")]
    while rows != expected and time.monotonic() < deadline:
        expected = [(e.seq, e.raw.decode()) for e in run_apart(stored_events(system, conv))]
        rows = [(int(row["seq"]), row["raw"]) for row in system.sql(query)]
    assert rows == expected


def _is_shown(event: dict[str, Any]) -> bool:
    return event["type"] in SHOWN_TO_VISITORS and not event.get("note")
