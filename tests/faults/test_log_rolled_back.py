"""The log is put back to an older copy while clients are attached: they are told to begin again, and what
they show afterwards is the log as it is, under a new epoch.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.harness.log import assert_saw_the_log, stored_events
from tests.harness.system import LIN, System, running_system


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
        store, copy = system.folder / "nats", system.folder / "copy"
        await asyncio.to_thread(system.nats.stop)
        await asyncio.to_thread(shutil.copytree, store, copy)
        await asyncio.to_thread(system.nats.start)
        await visitor.send("lost with the rollback", conv)
        await asyncio.to_thread(system.nats.kill)
        await asyncio.to_thread(shutil.rmtree, store)
        await asyncio.to_thread(copy.rename, store)
        await asyncio.to_thread(system.nats.start)
        async with asyncio.timeout(30):
            while "resync" not in frames:
                await asyncio.sleep(0.05)
        await visitor.send("after", conv)
        async with asyncio.timeout(15):
            while [c.conversations[conv].events[-1].event.get("text") for c in (visitor, agent)] != ["after"] * 2:
                await asyncio.sleep(0.05)
    log = await stored_events(system, conv)
    assert [e.event.get("text") for e in log] == [None, "before the copy", "after"]
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert_saw_the_log(agent, conv, log, is_visitor=False)
    mark = agent.conversations[conv].mark
    assert mark is not None
    assert mark[0] > epoch
