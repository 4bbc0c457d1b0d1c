"""The whole system is stopped, its log put back to an older copy, and started again: nobody shows what was lost as if
it were there, nobody misses what came after, and the warehouse holds the log. Nothing in the copy tells that it is one.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from adapters.warehouse.asking.verify import Verdict
from backbone.nats import rpc
from tests.harness.log import assert_in_the_warehouse, assert_saw_the_log, stored_events
from tests.harness.system import LIN, System, running_system
from trunkline.connect import connected

LOST = 5


@pytest.mark.timeout(180)
@pytest.mark.parametrize("keeps_the_warehouse", [True, pytest.param(False, marks=pytest.mark.rest)])
def test_a_copy_put_back_while_nothing_ran(tmp_path: Path, *, keeps_the_warehouse: bool) -> None:
    with running_system(tmp_path, nodes=1, adapters=("routing", "warehouse"), agents=(LIN,)) as system:
        asyncio.run(_restore(system, keeps_the_warehouse=keeps_the_warehouse))


async def _restore(system: System, *, keeps_the_warehouse: bool) -> None:
    frames: list[str] = []
    old = system.visitor(pushed=lambda frame: frames.append(str(frame["t"])))
    async with old.running():
        conv = str((await old.send("before the copy"))["conv"])
        await old.subscribe(conv)
        await asyncio.to_thread(_down, system)
        shutil.copytree(system.folder / "nats", system.folder / "copy")
        await asyncio.to_thread(_up, system)
        lost = [await old.send(f"lost {n}", conv) for n in range(LOST)]
        async with system.visitor().running() as young:
            gone = str((await young.send("lost with all that follows"))["conv"])
        async with asyncio.timeout(30):
            while (mark := old.conversations[conv].mark) is None or mark[1] < lost[-1]["seq"]:
                await asyncio.sleep(0.02)
    await asyncio.to_thread(assert_in_the_warehouse, system, conv)
    await asyncio.to_thread(assert_in_the_warehouse, system, gone)
    await asyncio.to_thread(_down, system)
    shutil.rmtree(system.folder / "nats")
    (system.folder / "copy").rename(system.folder / "nats")
    if not keeps_the_warehouse:
        shutil.rmtree(system.folder / "warehouse")
    frames.clear()
    # The log grows past what was lost before anybody looks who knew of it.
    await asyncio.to_thread(_up, system, "routing")
    async with system.agent(LIN).running() as agent:
        await agent.subscribe(conv)
        for n in range(2 * LOST):
            await agent.send(f"after {n}", conv)
        await asyncio.to_thread(_start, system, "warehouse")
        async with old.running():
            log = await stored_events(system, conv)
            async with asyncio.timeout(30):
                while (mark := old.conversations[conv].mark) is None or mark[1] != log[-1].seq:
                    await asyncio.sleep(0.02)
        texts = [e.event.get("text") for e in log if e.event["type"] == "message.added"]
        assert texts == ["before the copy", *(f"after {n}" for n in range(2 * LOST))]
        assert "resync" in frames
        assert_saw_the_log(old, conv, log, is_visitor=True)
        assert_saw_the_log(agent, conv, log, is_visitor=False)
    await asyncio.to_thread(assert_in_the_warehouse, system, conv)
    async with connected(system.common, "test") as link:
        for s in system.common.log_streams():
            verdict = await rpc.call(link, "warehouse", "_", "verify", {"stream": s}, Verdict, timeout_s=15)
            assert verdict.equal, verdict
    kept = system.sql(f"SELECT raw FROM lost_events FINAL WHERE conversation = '{conv}' AND type = 'message.added'")
    assert [json.loads(row["raw"])["text"] for row in kept] == [f"lost {n}" for n in range(LOST * keeps_the_warehouse)]
    rows = system.sql(f"SELECT text FROM bi.messages WHERE conversation IN ('{conv}', '{gone}') ORDER BY epoch, seq")
    assert [row["text"] for row in rows] == texts
    assert [row["conversation"] for row in system.sql("SELECT conversation FROM bi.conversations")] == [conv]
    count = system.sql(f"SELECT messages_agent FROM bi.conversations WHERE conversation = '{conv}'")
    assert [int(row["messages_agent"]) for row in count] == [2 * LOST]


def _down(system: System) -> None:
    for process in (*system.nodes, *system.adapters.values()):
        process.stop()
    system.nats.stop()


def _up(system: System, *adapters: str) -> None:
    system.nats.start()
    started = [*system.nodes, *(p for name, p in system.adapters.items() if not adapters or name in adapters)]
    for process in started:
        process.start()
    for process in started:
        process.wait_ready()


def _start(system: System, adapter: str) -> None:
    system.adapters[adapter].start().wait_ready()
