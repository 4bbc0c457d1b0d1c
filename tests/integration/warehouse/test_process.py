"""The process that production runs: starts, answers, leaves, starts again; its files answer when it doesn't."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.warehouse.settings import Warehouse
from backbone.errors import ForbiddenError, InvalidInputError
from backbone.nats import rpc
from backbone.nats.link import Link
from tests.harness.nats import NatsServer
from tests.harness.processes import Process, start_trunkline
from tests.integration.warehouse.talks import store
from tests.unit.adapters.warehouse.timeline import message, opened

CONV = "01" + "a" * 26


@pytest.fixture
def environment(nats: NatsServer, tmp_path: Path) -> dict[str, str]:
    """The settings of the process."""
    return {
        **nats.environment,
        "TRUNKLINE_WAREHOUSE_DSN": f"chdb://{tmp_path}/warehouse",
        "TRUNKLINE_WAREHOUSE_LEASE_S": "2",
        "TRUNKLINE_LOG_FORMAT": "json",
    }


@pytest.fixture
def warehouse(environment: dict[str, str], tmp_path: Path) -> Iterator[Process]:
    """Not started yet."""
    process = Process("warehouse", ["adapter", "warehouse"], environment, tmp_path)
    yield process
    process.end()


async def ask(link: Link, tenant: str, verb: str, request: dict[str, Any]) -> Any:
    return msgspec.json.decode(await rpc.call(link, "warehouse", tenant, verb, request, msgspec.Raw))


async def rows(link: Link, query: str) -> list[list[Any]]:
    found: list[list[Any]] = (await ask(link, "_", "sql", {"query": query}))["rows"]
    return found


async def until_loaded(link: Link, count: int) -> None:
    async with asyncio.timeout(60):
        # Events come first in a load; only its `done` row says that every table has them.
        while (await rows(link, "SELECT toUInt32(sum(count)) FROM loads WHERE state = 'done'")) != [[count]]:
            await asyncio.sleep(0.05)


def offline(dsn: str, query: str) -> str:
    """What a process says that opens the files itself."""
    code = (
        "import sys\nfrom adapters.warehouse import offline\nfrom backbone.errors import TrunklineError\n"
        "try: print(offline.query(sys.argv[1], sys.argv[2]).rows)\n"
        "except TrunklineError as refused: print(refused.code)"
    )
    done = subprocess.run([sys.executable, "-c", code, dsn, query], capture_output=True, text=True, timeout=30)  # noqa: PLW1510
    return (done.stdout or done.stderr).strip()


@pytest.mark.timeout(120)
async def test_the_process_answers_leaves_and_comes_back(
    link: Link, warehouse: Process, environment: dict[str, str]
) -> None:
    dsn = environment["TRUNKLINE_WAREHOUSE_DSN"]
    assert await asyncio.to_thread(offline, dsn, "SELECT 1") == "warehouse.missing"
    await asyncio.to_thread(lambda: warehouse.start().wait_ready())
    assert warehouse.process
    assert os.getpriority(os.PRIO_PROCESS, warehouse.process.pid) == Warehouse().nice
    # Ready means able to answer, before the first event.
    day = await ask(link, "main", "report.overview", {"tz": "Asia/Shanghai"})
    assert (day["opened"], day["open"], day["first_response_median_s"]) == (0, 0, None)
    await store(link, [opened(1, conv=CONV), message(2, "visitor", conv=CONV, text="退款")])
    await until_loaded(link, 2)
    assert [hit["text"] for hit in (await ask(link, "main", "search.messages", {"q": "退款"}))["items"]] == ["退款"]
    assert len((await ask(link, "main", "history", {"conv": CONV, "before": None, "limit": 10}))["events"]) == 2
    assert (await ask(link, "_", "verify", {"stream": "01"}))["equal"]
    assert await rows(link, "SELECT text FROM bi.messages") == [["退款"]]
    assert await rows(link, "SELECT messages_visitor, status FROM bi.conversations") == [[1, "queued"]]
    with pytest.raises(ForbiddenError, match="command line"):
        await ask(link, "main", "sql", {"query": "SELECT 1"})
    with pytest.raises(ForbiddenError, match="tenant"):
        await ask(link, "_", "search.messages", {"q": "x"})
    with pytest.raises(InvalidInputError) as refused:
        await ask(link, "main", "history", {"conv": "' OR 1", "limit": 10})
    assert refused.value.field == "conv"
    with pytest.raises(InvalidInputError):
        await ask(link, "main", "history", {"conv": CONV, "limit": 100_000})
    assert await asyncio.to_thread(offline, dsn, "SELECT 1") == "warehouse.locked"
    assert await asyncio.to_thread(warehouse.stop) == 0
    assert await asyncio.to_thread(offline, dsn, "SELECT text FROM messages FINAL") == "[['退款']]"
    assert await asyncio.to_thread(offline, dsn, "SELECT file('/etc/hostname')") == "sql.not_allowed"
    await asyncio.to_thread(lambda: warehouse.start().wait_ready())
    await store(link, [message(3, "visitor", conv=CONV, text="again")])
    await until_loaded(link, 3)
    assert await asyncio.to_thread(warehouse.stop) == 0


def test_a_missing_dsn_ends_the_start_with_the_name_of_the_setting(environment: dict[str, str]) -> None:
    del environment["TRUNKLINE_WAREHOUSE_DSN"]
    process = start_trunkline(["adapter", "warehouse"], environment, subprocess.PIPE)
    said = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 78
    last = json.loads(said.splitlines()[-1])
    assert (last["process"], last["level"]) == ("warehouse", "error")
    assert last["event"].startswith("warehouse: TRUNKLINE_WAREHOUSE_DSN must be chdb:///absolute/path")


def test_without_nats_it_isnt_ready_and_says_so(nats: NatsServer, warehouse: Process) -> None:
    nats.kill()
    warehouse.start()
    deadline = time.monotonic() + 60
    while "NATS can't be reached" not in str((told := warehouse.ready())[1]):
        assert time.monotonic() < deadline, (told, warehouse.tail())
        time.sleep(0.1)
    assert told[0] == HTTPStatus.SERVICE_UNAVAILABLE
    assert warehouse.stop() == 0
