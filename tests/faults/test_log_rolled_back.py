"""The log is put back to an older copy while clients are attached: they are told to begin again, and what
they show afterwards is the log as it is, under a new epoch.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backbone.conversation import Head
from backbone.nats.buckets import Bucket
from tests.harness.log import assert_saw_the_log, stored_events
from tests.harness.system import LIN, System, running_system
from trunkline.connect import connected


@pytest.mark.timeout(120)
def test_clients_hear_resync_and_see_the_log_as_it_is(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=1, agents=(LIN,)) as system:
        asyncio.run(_roll_back(system))


async def _roll_back(system: System) -> None:
    frames: list[str] = []

    def pushed(frame: dict[str, object]) -> None:
        frames.append(str(frame["t"]))

    async with system.visitor(pushed=pushed).running() as visitor, system.agent(LIN).running() as agent:
        conv = str((await visitor.send("before the copy"))["conv"])
        for client in (visitor, agent):
            await client.subscribe(conv)
        epoch = agent.conversations[conv].mark[0] if agent.conversations[conv].mark else 0
        await asyncio.to_thread(_copy, system)
        await visitor.send("lost with the rollback", conv)
        # The agent also looks at a conversation of which nothing will be left.
        async with system.visitor().running() as young:
            gone = str((await young.send("lost with all that follows"))["conv"])
            await agent.subscribe(gone)
            while not agent.conversations[gone].events:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(_put_back, system)
        async with asyncio.timeout(30):
            while "resync" not in frames or agent.conversations[gone].mark is not None:
                await asyncio.sleep(0.05)
        assert agent.conversations[gone].events == []
        await visitor.send("after", conv)
        async with asyncio.timeout(30):
            while [c.conversations[conv].events[-1].event.get("text") for c in (visitor, agent)] != ["after"] * 2:
                await asyncio.sleep(0.05)
    log = await stored_events(system, conv)
    assert [e.event.get("text") for e in log] == [None, "before the copy", "after"]
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert_saw_the_log(agent, conv, log, is_visitor=False)
    mark = agent.conversations[conv].mark
    assert mark is not None
    assert mark[0] > epoch


@pytest.mark.rest
@pytest.mark.timeout(120)
def test_routing_forgets_what_the_log_no_longer_holds(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=1, adapters=("routing",)) as system:
        asyncio.run(_route(system))


async def _route(system: System) -> None:
    async with system.visitor().running() as old, system.visitor().running() as young:
        kept = await old.send("before the copy")
        await _until(system, lambda heads: heads.get(kept["conv"]) == kept["seq"])
        await asyncio.to_thread(_copy, system)
        more = await old.send("lost with the rollback", kept["conv"])
        lost = await young.send("lost with all that follows")
        await _until(system, lambda heads: heads == {kept["conv"]: more["seq"], lost["conv"]: lost["seq"]})
    await asyncio.to_thread(_put_back, system)
    await _until(system, lambda heads: heads == {kept["conv"]: kept["seq"]})


async def _until(system: System, holds: Callable[[dict[str, int]], bool]) -> None:
    """The heads, as sequences by conversation, come to be so."""
    deadline = time.monotonic() + 30
    async with connected(system.common, "test") as link:
        bucket: Bucket[Head] = Bucket(link, "heads", Head)
        while not holds(heads := {kept.value.conv: kept.value.seq for kept in await bucket.all()}):
            assert time.monotonic() < deadline, heads
            await asyncio.sleep(0.1)


def _copy(system: System) -> None:
    system.nats.stop()
    shutil.copytree(system.folder / "nats", system.folder / "copy")
    system.nats.start()


def _put_back(system: System) -> None:
    system.nats.kill()
    shutil.rmtree(system.folder / "nats")
    (system.folder / "copy").rename(system.folder / "nats")
    system.nats.start()
