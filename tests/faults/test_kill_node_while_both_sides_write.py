"""`kill -9` of a node while a visitor and an agent write: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.log import assert_in_the_warehouse, assert_saw_the_log, assert_stored_once, stored_events
from tests.harness.processes import Process
from tests.harness.system import LIN, System, running_system
from trunkline.client import Client

EACH = 40
"""Messages that each side writes."""

KILL_AFTER = 12
"""Acknowledged messages of both sides before the node dies."""


class _Sides:
    """A visitor and an agent who write, and what was acknowledged to each."""

    def __init__(self, visitor: Client, agent: Client, conv: str) -> None:
        self.visitor, self.agent, self.conv = visitor, agent, conv
        self.acknowledged: list[dict[str, Any]] = []
        self.enough = asyncio.Event()

    async def write(self, client: Client, word: str) -> None:
        for n in range(EACH):
            self.acknowledged.append(await client.send(f"{word} {n}", self.conv))
            if len(self.acknowledged) >= KILL_AFTER:
                self.enough.set()
            await asyncio.sleep(0.02)


async def _both_write_while(system: System, fault: Callable[[], Awaitable[None]]) -> None:
    visitor, agent = system.visitor(), system.agent(LIN)
    async with visitor.running(), agent.running():
        conv = str((await visitor.send("你好"))["conv"])
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        await agent.act(conv, "take")
        sides = _Sides(visitor, agent, conv)
        async with asyncio.TaskGroup() as group:
            group.create_task(sides.write(visitor, "问"))
            group.create_task(sides.write(agent, "答"))
            await sides.enough.wait()
            await fault()
        before = (visitor.connects, agent.connects)
        log = await stored_events(system, conv)
        await _caught_up(visitor, agent, conv, log[-1].seq)
    assert min(before) >= 2, "nobody was cut off: the node didn't die under them"
    assert len(sides.acknowledged) == 2 * EACH
    assert_stored_once(log, sides.acknowledged)
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert_saw_the_log(agent, conv, log, is_visitor=False)
    await asyncio.to_thread(assert_in_the_warehouse, system, conv)


async def _caught_up(visitor: Client, agent: Client, conv: str, last: int) -> None:
    async with asyncio.timeout(30):
        for client in (visitor, agent):
            while (mark := client.conversations[conv].mark) is None or mark[1] < last:
                await asyncio.sleep(0.02)


def _kill(node: Process) -> Callable[[], Awaitable[None]]:
    async def fault() -> None:
        await asyncio.to_thread(node.kill)

    return fault


@pytest.mark.timeout(120)
def test_on_another_node_both_go_on_from_their_watermarks(tmp_path: Path) -> None:
    """Both sides move from the dead node to the living one."""
    with running_system(tmp_path, nodes=2, adapters=("warehouse",), agents=(LIN,)) as system:
        asyncio.run(_both_write_while(system, _kill(system.nodes[0])))


@pytest.mark.rest
@pytest.mark.timeout(120)
def test_after_its_restart_both_go_on_from_their_watermarks(tmp_path: Path) -> None:
    """The only node dies and comes back on its port."""
    with running_system(tmp_path, nodes=1, adapters=("warehouse",), agents=(LIN,)) as system:
        node = system.nodes[0]

        async def fault() -> None:
            await asyncio.to_thread(node.kill)
            node.start()
            await asyncio.to_thread(node.wait_ready)

        asyncio.run(_both_write_while(system, fault))
