"""`kill -9` of the warehouse in the middle of loading: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import http.client
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from adapters.warehouse.loading import facts, fold
from backbone import events as ev
from backbone.nats import rpc, streams
from backbone.nats.link import Link
from tests.faults import warehouse_traffic as traffic
from tests.harness.nats import NatsServer
from tests.harness.processes import Process

MOST_ROUNDS = 30
WAIT_S = 30.0
SEED = 20261124

T = TypeVar("T")


@pytest.fixture
def warehouse(nats: NatsServer, tmp_path: Path) -> Iterator[Process]:
    """The real process, with loads so small that a kill finds one in progress."""
    process = Process(
        "warehouse",
        ["adapter", "warehouse"],
        {
            **nats.environment,
            "TRUNKLINE_WAREHOUSE_DSN": f"chdb://{tmp_path}/warehouse",
            "TRUNKLINE_WAREHOUSE_LOAD_EVENTS": "100",
            "TRUNKLINE_WAREHOUSE_LEASE_S": "2",
            "TRUNKLINE_LOG_FORMAT": "json",
        },
        tmp_path,
    )
    yield process
    process.end()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kills", "count"),
    [pytest.param(3, 15_000, marks=pytest.mark.rest), pytest.param(10, 50_000, marks=pytest.mark.long)],
)
def test_kill_warehouse_in_the_middle_of_loads(
    nats: NatsServer, warehouse: Process, tmp_path: Path, kills: int, count: int
) -> None:
    events = traffic.make(count, SEED)
    asyncio.run(_linked(nats, lambda link: _prepare(link, events)))
    chance = random.Random(SEED)
    scratch = tmp_path / "warehouse" / "inserts"
    rounds = 0
    while _resumed(warehouse) < kills:
        rounds += 1
        assert rounds <= MOST_ROUNDS, f"only {_resumed(warehouse)} of {rounds} kills hit a load:\n{warehouse.tail()}"
        warehouse.start().wait_ready()
        # Few, so that there is something to load in each round, however many hit none.
        done = chance.randint(1, 3)
        _wait_until(lambda: _loaded(warehouse) >= done, f"{done} loads were done")  # noqa: B023 - called now
        # The engine takes each insert from a file in this folder: one is there while it works.
        _wait_until(lambda: any(scratch.iterdir()), "an insert began", poll_s=0.0002)
        time.sleep(chance.uniform(0, 0.012))
        warehouse.kill()
    warehouse.start().wait_ready()
    assert _resumed(warehouse) >= kills
    asyncio.run(_linked(nats, lambda link: _compare(link, events)))
    assert warehouse.stop() == 0
    assert list(scratch.iterdir()) == []


async def _prepare(link: Link, events: list[ev.Event]) -> None:
    await streams.ensure(link, traffic.STREAMS)
    await traffic.publish(link, events)


async def _compare(link: Link, events: list[ev.Event]) -> None:
    """Everything in the tables is what the log holds, and is there once."""
    stored = len(events)
    await _all_loaded(link, stored)
    count = 0
    for s in traffic.STREAMS:
        verdict: Any = await _ask(link, "verify", {"stream": s})
        assert verdict["equal"], f"{verdict}"
        count += sum(block["log_count"] for block in verdict["blocks"])
    assert count == stored
    # Without FINAL: not one row twice.
    assert await _sql(link, "SELECT count(), uniqExact(stream, epoch, seq) FROM events") == [[stored, stored]]
    messages = sum(isinstance(e, ev.MessageAdded) for e in events)
    recalled = len({e.target for e in events if isinstance(e, ev.MessageRecalled)})
    assert await _sql(link, "SELECT count(), countIf(recalled) FROM messages FINAL") == [[messages, recalled]]
    assert await _sql(link, "SELECT sum(count), max(load), count() FROM loads WHERE state = 'done'") == [
        [stored, *(await _sql(link, "SELECT uniqExact(load), uniqExact(load) FROM loads"))[0]]
    ]
    assert await _sql(link, "SELECT groupBitXor(checksum) FROM loads WHERE state = 'done'") == await _sql(
        link, "SELECT groupBitXor(cityHash64(seq, id)) FROM events FINAL"
    )
    assert await _sql(link, _BROKEN_CHAINS) == [[0]]
    await _conversations_equal(link, events)


_BROKEN_CHAINS = """
SELECT countIf(prev != before) FROM (
  SELECT prev, lagInFrame(seq, 1, 0) OVER (PARTITION BY tenant, conversation ORDER BY epoch, seq) AS before
  FROM events FINAL
)
"""


async def _all_loaded(link: Link, stored: int) -> None:
    deadline = time.monotonic() + 60
    while (done := await _sql(link, "SELECT sum(count) FROM loads WHERE state = 'done'")) != [[stored]]:
        assert time.monotonic() < deadline, f"only {done} of {stored} events were loaded in time"
        await asyncio.sleep(0.1)


async def _conversations_equal(link: Link, events: list[ev.Event]) -> None:
    """Rows of conversations are those that a fold of the log gives, within the time that they may be late."""
    columns = ["status", "agent", "messages_visitor", "messages_agent", "frt_human_ms", "handled_ms", "reopens"]
    folded: dict[str, fold.Facts] = {}
    for seq, event in enumerate(events, start=1):
        before = folded.get(event.conv) or fold.empty(event.tenant, event.conv, event.channel, 1)
        folded[event.conv] = fold.fold(before, event, seq, 1)
    expected = {conv: [facts.row(one)[c] for c in columns] for conv, one in folded.items()}
    found: dict[str, list[Any]] = {}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rows = await _sql(link, f"SELECT conversation, {', '.join(columns)} FROM conversations FINAL")
        found = {str(row[0]): row[1:] for row in rows}
        if found == expected:
            return
        await asyncio.sleep(0.5)
    wrong = {conv: (found.get(conv), row) for conv, row in expected.items() if found.get(conv) != row}
    raise AssertionError(f"{len(wrong)} of {len(expected)} conversations differ: {list(wrong.items())[:3]}")


async def _sql(link: Link, query: str) -> list[list[Any]]:
    answer = await _ask(link, "sql", {"query": query})
    rows: list[list[Any]] = answer["rows"]
    return rows


async def _ask(link: Link, verb: str, request: dict[str, Any]) -> Any:
    raw = await rpc.call(link, "warehouse", "_", verb, request, msgspec.Raw, timeout_s=30)
    return msgspec.json.decode(raw)


async def _linked(nats: NatsServer, work: Callable[[Link], Awaitable[T]]) -> T:
    link = Link()
    await link.open(nats.url, name="test", user=nats.user, password=nats.password)
    try:
        return await work(link)
    finally:
        await link.close()


def _resumed(warehouse: Process) -> int:
    """How many unfinished loads the process found on its starts: as many kills hit one."""
    return warehouse.log.read_text().count('"warehouse.load_resumed"') if warehouse.log.exists() else 0


def _loaded(warehouse: Process) -> float:
    """Loads done since its start, unfinished ones done over included."""
    connection = http.client.HTTPConnection("127.0.0.1", warehouse.port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = re.search(r"^trunkline_warehouse_load_seconds_count (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _wait_until(condition: Callable[[], bool], what: str, poll_s: float = 0.005) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(poll_s)
    raise AssertionError(f"not within {WAIT_S} s: {what}")
