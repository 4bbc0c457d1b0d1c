"""Clocks that are an hour wrong, each another way, and leap back: order is the sequence, and nobody is turned away."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.harness.log import assert_saw_the_log, assert_stored_once, stored_events
from tests.harness.system import LIN, System
from trunkline.client import Client

HOUR_S = 3600
SKEW = "CLOCK_SKEW_S"
"""What `tests.harness.skewed` reads, which can't be imported here: it would skew this process too."""

EACH = 20


class Skewed(System):
    """The first node is an hour ahead, every other process an hour behind."""

    module = "tests.harness.skewed"

    def _process(self, name: str, arguments: list[str]) -> Any:
        process = super()._process(name, arguments)
        process.environment[SKEW] = str(HOUR_S if name == "node0" else -HOUR_S)
        return process


@pytest.mark.rest
@pytest.mark.timeout(120)
def test_two_hours_apart_both_sides_see_one_order(tmp_path: Path) -> None:
    system = Skewed(tmp_path)
    try:
        system.start(nodes=2, adapters=("routing",))
        system.add_agents(LIN)
        asyncio.run(_talk(system))
    finally:
        system.end()


async def _talk(system: System) -> None:
    ahead, behind = system.nodes
    visitor, agent = system.visitor(nodes=[ahead]), system.agent(LIN, nodes=[behind])
    visitor.urls.append(behind.ws)
    async with visitor.running(), agent.running():
        first = await visitor.send("你好")
        conv = str(first["conv"])
        for client in (visitor, agent):
            await client.subscribe(conv)
        async with asyncio.timeout(30):
            while not any(e.event["type"] == "conversation.assigned" for e in agent.conversations[conv].events):
                await asyncio.sleep(0.02)
        acknowledged = [first, *await _both(visitor, agent, conv)]
        for process in (ahead, behind, *system.adapters.values()):
            os.kill(process.pid, signal.SIGUSR1)
        acknowledged += await _both(visitor, agent, conv)
        # Another node with another idea of the time knows the visitor all the same.
        await asyncio.to_thread(ahead.kill)
        acknowledged += await _both(visitor, agent, conv)
        await agent.act(conv, "resolve")
        log = await stored_events(system, conv)
        async with asyncio.timeout(30):
            for client in (visitor, agent):
                while (mark := client.conversations[conv].mark) is None or mark[1] < log[-1].seq:
                    await asyncio.sleep(0.02)
    times = [e.event["at"] for e in log]
    assert max(times) - min(times) > HOUR_S * 1000, "the clocks weren't apart"
    assert times != sorted(times), "no clock went back"
    assert_stored_once(log, acknowledged)
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert_saw_the_log(agent, conv, log, is_visitor=False)


async def _both(visitor: Client, agent: Client, conv: str) -> list[dict[str, Any]]:
    """Both write, one after the other: their order is known."""
    acknowledged = []
    for n in range(EACH):
        acknowledged.append(await visitor.send(f"问 {n}", conv))
        acknowledged.append(await agent.send(f"答 {n}", conv))
    sequences = [ok["seq"] for ok in acknowledged]
    assert sequences == sorted(sequences)
    return acknowledged
