"""One client that missed much: how long until all of it is there."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from tests.bench.loadgen.poller import Connection, Poller, Script, follow_all
from tests.bench.loadgen.speech import Speaker, answer, subscribe
from tests.bench.population import contact_of, conversation_of

WITHIN_S = 60.0
PAGE = 1000


def replay(poller: Poller, speaker: Speaker, number: int, missed: int, times: int) -> dict[str, Any]:
    """Comes back again and again with the same old watermark; milliseconds from `sub` to the last event, and from
    the beginning of the connection to it.
    """
    began: list[tuple[int, int]] = []
    follow_all(poller, [_begin(speaker, number, began)], 1, WITHIN_S)
    took: list[tuple[float, float]] = []
    for _ in range(times):
        follow_all(poller, [_come_back(speaker, number, began[0], missed, took)], 1, WITHIN_S)
    return {"took_ms": [ms for ms, _ in took], "whole_ms": [ms for _, ms in took]}


def _begin(speaker: Speaker, number: int, began: list[tuple[int, int]]) -> Script:
    """Sees the two events with which the conversation begins, and leaves."""
    connection = yield from _greeted(speaker, number)
    page = yield from subscribe(connection, conversation_of(number), (0, 0), 2)
    connection.close()
    began.append((page["epoch"], page["upto"]))


def _come_back(
    speaker: Speaker, number: int, after: tuple[int, int], missed: int, took: list[tuple[float, float]]
) -> Script:
    connecting_at = time.perf_counter()
    connection = yield from _greeted(speaker, number)
    subscribed_at = time.perf_counter()
    count, more = 0, True
    while more:
        page = yield from subscribe(connection, conversation_of(number), after, PAGE)
        count += len(page["events"])
        after, more = (page["epoch"], page["upto"]), page["more"]
    now = time.perf_counter()
    connection.close()
    if count != missed:
        msg = f"{count} events came, {missed} were missed"
        raise RuntimeError(msg)
    took.append(((now - subscribed_at) * 1000, (now - connecting_at) * 1000))


def _greeted(speaker: Speaker, number: int) -> Generator[Connection, bytes, Connection]:
    connection = speaker.connect(number)
    yield connection
    connection.send(speaker.hello(contact_of(number)))
    yield from answer(connection, b'{"t":"welcome"')
    return connection
