"""A link that is cut, stalled, slow or one-way, of a client to a node or a node to the log: all of it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.faults.proxy import Wire, running_proxy
from tests.faults.rig import Wired
from tests.harness.log import assert_saw_the_log, assert_stored_once, stored_events
from tests.harness.system import LIN
from trunkline.client import Client

EACH = 30
BEFORE = 8
"""Acknowledged messages of both sides before the fault."""

FaultMaker = Callable[[Wire], Awaitable[object]]


async def cut(wire: Wire) -> None:
    assert wire.cut() > 0


async def end(wire: Wire) -> None:
    assert wire.cut(reset=False) > 0


async def cut_mid_frame_up(wire: Wire) -> None:
    await _torn(wire, "up")


async def cut_mid_frame_down(wire: Wire) -> None:
    await _torn(wire, "down")


async def partition(wire: Wire) -> None:
    await _stalled(wire, "up", "down")


async def partition_to_the_far_side(wire: Wire) -> None:
    await _stalled(wire, "up")


async def partition_from_the_far_side(wire: Wire) -> None:
    await _stalled(wire, "down")


async def slow(wire: Wire) -> None:
    wire.slow(20_000)
    await asyncio.sleep(1.5)
    wire.heal()


async def nonsense(wire: Wire) -> None:
    """The other side ends the connection, and says why: nats-server by `-ERR`, at which nats-py closes for good."""
    assert wire.say(b"NONSENSE\r\n\r\n") > 0


async def refuse(wire: Wire) -> None:
    wire.refuse()
    await asyncio.sleep(1)
    assert wire.passed.open == 0
    wire.heal()


FIRST: list[FaultMaker] = [cut, partition, slow, nonsense]
FURTHER: list[FaultMaker] = [
    end,
    cut_mid_frame_up,
    cut_mid_frame_down,
    partition_to_the_far_side,
    partition_from_the_far_side,
    refuse,
]
FAULTS = [*FIRST, *(pytest.param(fault, marks=pytest.mark.rest) for fault in FURTHER)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    with running_proxy() as proxy:
        system = Wired(tmp_path_factory.mktemp("links"), proxy)
        try:
            system.start(nodes=1)
            system.add_agents(LIN)
            proxy.wire("client-node", ("127.0.0.1", system.nodes[0].port))
            yield system
        finally:
            system.end()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("link", ["client-node", "node0-nats"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_everything_arrives_once_and_in_order(system: Wired, link: str, fault: FaultMaker) -> None:
    wire = system.proxy.wires[link]
    try:
        asyncio.run(_both_write_while(system, wire, fault))
    finally:
        wire.heal()


async def _both_write_while(system: Wired, wire: Wire, fault: FaultMaker) -> None:
    visitor, agent = system.visitor(), system.agent(LIN)
    visitor.urls = [f"ws://127.0.0.1:{system.proxy.wires['client-node'].port}/ws"]
    acknowledged: list[dict[str, Any]] = []
    enough = asyncio.Event()

    async def write(client: Client, conv: str) -> None:
        for n in range(EACH):
            acknowledged.append(await client.send(f"line {n}", conv))
            if len(acknowledged) >= BEFORE:
                enough.set()
            await asyncio.sleep(0.02)

    async with visitor.running(), agent.running():
        conv = str((await visitor.send("你好"))["conv"])
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(write(visitor, conv))
            group.create_task(write(agent, conv))
            await enough.wait()
            await fault(wire)
        log = await stored_events(system, conv)
        async with asyncio.timeout(30):
            for client in (visitor, agent):
                while (mark := client.conversations[conv].mark) is None or mark[1] < log[-1].seq:
                    await asyncio.sleep(0.02)
    assert len(acknowledged) == 2 * EACH
    assert_stored_once(log, acknowledged)
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert_saw_the_log(agent, conv, log, is_visitor=False)


async def _torn(wire: Wire, way: Any) -> None:
    before = wire.passed.cuts_mid_frame
    wire.cut_mid_frame(way)
    async with asyncio.timeout(30):
        while wire.passed.cuts_mid_frame == before:
            await asyncio.sleep(0.02)


async def _stalled(wire: Wire, *ways: Any) -> None:
    wire.stall(*ways)
    before = wire.passed
    await asyncio.sleep(1.5)
    after = wire.passed
    # What the proxy had read already may still go out; nothing more does.
    assert all(getattr(after, way) - getattr(before, way) < 100_000 for way in ways)
    assert after.open > 0, "the fault was to be silent, and somebody was told"
    wire.heal()
