"""The process against a ClickHouse server that works, that can't be used when it starts, and that goes away later.

It waits with one sentence, is never ended by the server's trouble, and goes on by itself where it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backbone.errors import UnavailableError
from backbone.nats.link import Link
from backbone.process import health
from backbone.settings import Common
from tests.harness.clickhouse import ClickHouse
from tests.harness.nats import NatsServer
from tests.harness.processes import Process
from tests.integration.warehouse.talks import store
from tests.integration.warehouse.test_process import CONV, ask, offline, rows, until_loaded
from tests.unit.adapters.warehouse.timeline import message, opened
from trunkline.doctor.adapters import adapters

SAYS_WITHIN_S = 30
MENDED_WITHIN_S = 30
REFUSED_WITHIN_S = 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClickHouse]:
    """Not started yet."""
    folder = tmp_path / "clickhouse"
    folder.mkdir()
    made = ClickHouse(folder)
    yield made
    made.kill()


@pytest.fixture
def warehouse(nats: NatsServer, server: ClickHouse, tmp_path: Path) -> Iterator[Process]:
    """The same, with an answer awaited for 2 seconds."""
    settings = {
        **nats.environment,
        "TRUNKLINE_WAREHOUSE_DSN": server.dsn,
        "TRUNKLINE_WAREHOUSE_TIMEOUT_S": "2",
        "TRUNKLINE_WAREHOUSE_LEASE_S": "2",
        "TRUNKLINE_LOG_FORMAT": "json",
    }
    process = Process("warehouse", ["adapter", "warehouse"], settings, tmp_path)
    yield process
    process.end()


def until_it_says(warehouse: Process, sentence: str) -> None:
    """Readiness says it, and the process lives."""
    deadline = time.monotonic() + SAYS_WITHIN_S
    while sentence not in str((told := warehouse.ready())[1]):
        assert warehouse.process
        assert warehouse.process.poll() is None, warehouse.tail()
        assert time.monotonic() < deadline, (told, warehouse.tail())
        time.sleep(0.05)
    assert told[0] == HTTPStatus.SERVICE_UNAVAILABLE


async def refused(link: Link) -> UnavailableError:
    """What a question gets, in time."""
    async with asyncio.timeout(REFUSED_WITHIN_S):
        with pytest.raises(UnavailableError) as found:
            await ask(link, "main", "report.overview", {"tz": "UTC"})
    return found.value


async def has_all(link: Link, count: int) -> None:
    """Each event once, in loads without a hole, and equal to the log."""
    await until_loaded(link, count)
    assert await rows(link, "SELECT toUInt32(count()), toUInt32(uniqExact(id)) FROM events FINAL") == [[count, count]]
    assert await rows(link, "SELECT toUInt32(count()) FROM messages FINAL") == [[count - 1]]
    assert (await ask(link, "_", "verify", {"stream": "01"}))["equal"]


@pytest.mark.rest
async def test_a_server_answers_as_the_embedded_engine_does(link: Link, server: ClickHouse, warehouse: Process) -> None:
    await asyncio.to_thread(lambda: (server.start(), warehouse.start().wait_ready()))
    await store(link, [opened(1, conv=CONV), message(2, "visitor", conv=CONV, text="退款")])
    await has_all(link, 2)
    assert [hit["text"] for hit in (await ask(link, "main", "search.messages", {"q": "退款"}))["items"]] == ["退款"]
    assert len((await ask(link, "main", "history", {"conv": CONV, "before": None, "limit": 10}))["events"]) == 2
    assert await rows(link, "SELECT messages_visitor, status FROM bi.conversations") == [[1, "queued"]]
    # Two may read a server at once, and one that doesn't load answers `trunkline sql` without the process.
    assert await asyncio.to_thread(offline, server.dsn, "SELECT text FROM messages FINAL") == "[['退款']]"
    assert await asyncio.to_thread(offline, server.dsn, "SELECT file('/etc/hostname')") == "sql.not_allowed"
    assert await asyncio.to_thread(warehouse.stop) == 0
    assert await asyncio.to_thread(offline, server.dsn.replace("secret", "x"), "SELECT 1") == "warehouse.unavailable"
    await asyncio.to_thread(lambda: warehouse.start().wait_ready())
    await store(link, [message(3, "visitor", conv=CONV, text="again")])
    await has_all(link, 3)


class Trouble(NamedTuple):
    """What is wrong with the server, and what the process says."""

    faults: dict[str, Any]
    sentence: str


TROUBLES = {
    "password": Trouble({"password": "other"}, "refuses the user or the password of TRUNKLINE_WAREHOUSE_DSN"),
    "old": Trouble({"version": "25.8.3.1"}, "is version 25.8.3.1: 26.2 or newer is needed"),
    "rights": Trouble(
        {"where": "CREATE", "code": 497, "text": "trunkline: Not enough privileges. (ACCESS_DENIED)"},
        "doesn't let its user do what the warehouse needs; grant it: Code: 497",
    ),
    "full": Trouble(
        {"where": "INSERT", "code": 243, "text": "Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"},
        "ClickHouse at 127.0.0.1",
    ),
    "silent": Trouble({"slow_s": 60}, "doesn't answer: Read timed out"),
    "busy": Trouble({"code": 202, "text": "Too many simultaneous queries. (TOO_MANY)"}, "Code: 202"),
}


@pytest.mark.parametrize(
    "name", ["password", *(pytest.param(n, marks=pytest.mark.rest) for n in TROUBLES if n != "password")]
)
async def test_a_server_that_cant_be_used_at_the_start_is_waited_for_with_a_sentence(
    link: Link, server: ClickHouse, warehouse: Process, name: str
) -> None:
    trouble = TROUBLES[name]
    await asyncio.to_thread(server.start)
    server.faults(**trouble.faults)
    await store(link, [opened(1, conv=CONV), message(2, "visitor", conv=CONV)])
    await asyncio.to_thread(warehouse.start)
    await asyncio.to_thread(until_it_says, warehouse, trouble.sentence)
    assert (await refused(link)).code == "warehouse.unavailable"
    await mended(link, warehouse, server.faults, 2)


@pytest.mark.rest
async def test_a_server_that_is_away_at_the_start_and_again_later_is_waited_for_and_loads_go_on_where_they_were(
    link: Link, server: ClickHouse, warehouse: Process
) -> None:
    await store(link, [opened(1, conv=CONV), message(2, "visitor", conv=CONV)])
    await asyncio.to_thread(warehouse.start)
    await asyncio.to_thread(until_it_says, warehouse, "doesn't answer: Failed to establish a new connection")
    assert (await refused(link)).code == "warehouse.unavailable"
    told = [check async for check in adapters(link, Common(), await health.ask(link, 2))]
    line = next(check for check in told if check.name == "warehouse")
    assert (line.state, line.todo) == (
        "wrong",
        "Mend what is named there; it goes on by itself, without another start.",
    )
    assert "doesn't answer: Failed to establish a new connection" in line.detail
    await mended(link, warehouse, server.start, 2)
    count = 2
    for _ in range(3):
        storing = asyncio.create_task(
            store(link, [message(n, "visitor", conv=CONV) for n in range(count + 1, count + 101)])
        )
        await asyncio.sleep(0)
        await until_loaded_at_least(link, count + 1)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(until_it_says, warehouse, "ClickHouse at 127.0.0.1")
        error = await refused(link)
        assert (error.code, "ClickHouse at 127.0.0.1" in error.message) == ("warehouse.unavailable", True)
        with pytest.raises(UnavailableError):
            await rows(link, "SELECT 1")
        await storing
        count += 100
        await mended(link, warehouse, server.start, count)


@pytest.mark.rest
async def test_a_server_that_gets_full_or_hangs_in_the_middle_is_waited_for(
    link: Link, server: ClickHouse, warehouse: Process
) -> None:
    await asyncio.to_thread(lambda: (server.start(), warehouse.start().wait_ready()))
    await store(link, [opened(1, conv=CONV)])
    await until_loaded(link, 1)
    for n, faults in enumerate(
        (
            {"where": "INSERT INTO .{0,20}events", "code": 243, "text": "No space left. (NOT_ENOUGH_SPACE)"},
            {"where": "INSERT", "slow_s": 5},
            {"where": "INSERT INTO .{0,20}messages", "code": 241, "text": "memory limit (MEMORY_LIMIT_EXCEEDED)"},
        ),
        start=2,
    ):
        server.faults(**faults)
        await store(link, [message(n, "visitor", conv=CONV)])
        await asyncio.to_thread(until_it_says, warehouse, "ClickHouse")
        # What is in the tables is answered all the same, while nobody can write.
        await until_answered(link, "SELECT toUInt32(count()) FROM loads")
        await mended(link, warehouse, server.faults, n)


@pytest.mark.rest
async def test_tables_of_a_newer_version_are_left_alone_and_waited_for(
    link: Link, server: ClickHouse, warehouse: Process
) -> None:
    await asyncio.to_thread(lambda: (server.start(), warehouse.start().wait_ready()))
    assert await asyncio.to_thread(warehouse.stop) == 0
    await asyncio.to_thread(
        server.run, "INSERT INTO trunkline.schema_migrations (number, checksum) VALUES (999, 'newer')"
    )
    await store(link, [opened(1, conv=CONV), message(2, "visitor", conv=CONV)])
    await asyncio.to_thread(warehouse.start)
    await asyncio.to_thread(until_it_says, warehouse, "The tables are at schema 999")
    assert "999" in (await refused(link)).message
    assert await asyncio.to_thread(server.run, "SELECT count() FROM trunkline.events") == "0"
    back = "ALTER TABLE trunkline.schema_migrations DELETE WHERE number = 999 SETTINGS mutations_sync = 1"
    await mended(link, warehouse, lambda: server.run(back), 2)


@pytest.mark.rest
async def test_a_slow_server_is_loaded_all_the_same(link: Link, server: ClickHouse, warehouse: Process) -> None:
    warehouse.environment["TRUNKLINE_WAREHOUSE_TIMEOUT_S"] = "30"
    await asyncio.to_thread(lambda: (server.start(), warehouse.start().wait_ready()))
    server.faults(where="INSERT INTO .{0,20}(events|messages)", slow_s=10)
    began = time.monotonic()
    await store(link, [opened(1, conv=CONV), message(2, "visitor", conv=CONV)])
    await has_all(link, 2)
    assert time.monotonic() - began > 10
    assert warehouse.ready()[0] == HTTPStatus.OK


async def until_answered(link: Link, query: str) -> None:
    """Questions are refused for a moment after a load that got no answer: until the server was looked at."""
    async with asyncio.timeout(REFUSED_WITHIN_S):
        while True:
            try:
                await rows(link, query)
            except UnavailableError:
                await asyncio.sleep(0.1)
            else:
                return


async def until_loaded_at_least(link: Link, count: int) -> None:
    """Some of what is being stored is in the tables."""
    async with asyncio.timeout(30):
        while (await rows(link, "SELECT toUInt32(sum(count)) FROM loads WHERE state = 'done'"))[0][0] < count:
            await asyncio.sleep(0.02)


async def mended(link: Link, warehouse: Process, mend: Callable[[], object], count: int) -> None:
    """Once the server is well the same process is ready by itself, and has all; it said little meanwhile."""
    pid = warehouse.pid
    await asyncio.to_thread(mend)
    await asyncio.to_thread(warehouse.wait_ready, MENDED_WITHIN_S)
    await has_all(link, count)
    assert warehouse.pid == pid
    log = warehouse.log.read_text()
    assert "Traceback" not in log
    assert "secret" not in log
    assert log.count('warehouse.server_away"') + log.count('warehouse.loading_waits"') <= 30, log
