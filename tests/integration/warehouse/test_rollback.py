"""What is found lost in the tables, by the epochs that the log tells of: exactly what it no longer holds."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from adapters.warehouse.clickhouse.engine import Engine, rows
from adapters.warehouse.loading import rollback
from backbone.nats.epochs import parse
from tests.integration.warehouse.talks import ask

# Rows that were loaded: (epoch, sequence). Sequence 3 was given out three times.
LOADED = [(100, 1), (100, 2), (100, 3), (200, 3), (200, 4), (300, 3), (300, 5)]


@pytest.mark.parametrize(
    ("told", "lost"),
    [
        ("100@1", {(200, 3), (200, 4), (300, 3), (300, 5)}),  # only the first branch is of this log
        ("100@1,400@3", {(100, 3), (200, 3), (200, 4), (300, 3), (300, 5)}),
        ("100@1,200@3,400@4", {(100, 3), (200, 4), (300, 3), (300, 5)}),
        ("100@1,200@3,300@5", {(100, 3)}),
        ("400@1", set(LOADED)),  # put back to nothing
        ("300@5", set()),  # the oldest stretches are forgotten, what they held below 5 is kept
        ("500@3", {(100, 3), (200, 3), (200, 4), (300, 3), (300, 5)}),
    ],
)
async def test_exactly_what_the_log_no_longer_holds(tables: Engine, told: str, lost: set[tuple[int, int]]) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    columns = [
        "tenant",
        "conversation",
        "epoch",
        "seq",
        "id",
        "type",
        "channel",
        "stream",
        "stored_at",
        "keep_until",
        "raw",
    ]
    data = [
        ["main", f"{epoch}-{seq}", epoch, seq, uuid.uuid4(), "message.added", "web", "00", at, at.replace(2100), "{}"]
        for epoch, seq in LOADED
    ]
    other = [["main", "other", 100, 9, uuid.uuid4(), "message.added", "web", "01", at, at.replace(2100), "{}"]]
    await tables.write(lambda client: client.insert("events", data + other, column_names=columns))
    bounds = rollback.bounds("00", parse(told))
    found = await tables.read(lambda client: rows(client, rollback.of_lost("lost_keys"), bounds))
    assert {tuple(map(int, str(conv).split("-"))) for _, conv in found} == lost
    assert await ask(tables, "SELECT count() FROM events") == [(len(LOADED) + 1,)]
