"""Two devices of a person on two nodes, and nodes that freeze under them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness.log import stored_events
from tests.harness.processes import Process
from tests.harness.system import LIN, System

pytestmark = pytest.mark.anyio
WITHIN_S = 60.0
CALM_S = 5.0
"""What a client waits at most while a node is frozen and another one is there."""


@contextmanager
def frozen(node: Process) -> Iterator[None]:
    """The process keeps its sockets and does nothing."""
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


async def test_a_conversation_that_one_device_opens_is_heard_by_the_others_on_any_node(system: System) -> None:
    """A device that was connected already heard nothing until it came back."""
    first = system.visitor(nodes=[system.nodes[0]])
    async with asyncio.timeout(WITHIN_S), first.running():
        token = first.token
        beside = system.visitor(nodes=[system.nodes[0]], token=token)
        other = system.visitor(nodes=[system.nodes[1]], token=token)
        async with beside.running(), other.running():
            sent = await first.send("from the first")
            for device in (beside, other):
                while sent["conv"] not in device.conversations:
                    await asyncio.sleep(0.01)
                known = await device.subscribe(sent["conv"])
                assert sent["id"] in [one.event["id"] for one in known.events]
            assert sent["conv"] not in first.conversations, "who opened it has its ok"
            answer = await other.send("from the other", sent["conv"])
            while answer["id"] not in [one.event["id"] for one in beside.conversations[sent["conv"]].events]:
                await asyncio.sleep(0.01)


async def test_a_conversation_that_an_agent_opens_is_heard_too(system: System) -> None:
    visitor = system.visitor(nodes=[system.nodes[1]])
    async with asyncio.timeout(WITHIN_S), visitor.running(), system.agent(LIN).running() as agent:
        first = await visitor.send("known from now on")
        await agent.act(first["conv"], "take")
        await agent.act(first["conv"], "resolve", reason="done")
        visitor.conversations.clear()
        me = visitor.welcome["me"]
        sent = await agent.send("we found it", None, to={"inbox": me["inbox"], "contact": me["id"]})
        while sent["conv"] not in visitor.conversations:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.rest)])
async def test_a_calm_client_waits_five_seconds_at_most_under_a_frozen_node(system: System, rounds: int) -> None:
    """It was held for up to a minute. The message is stored once, though the frozen node goes on with it later."""
    visitor = system.visitor()
    async with asyncio.timeout(WITHIN_S), visitor.running():
        conv = (await visitor.send("before"))["conv"]
        await visitor.subscribe(conv)
        ids = []
        for round_ in range(rounds):
            node = system.nodes[(visitor.connects - 1) % len(system.nodes)]
            with frozen(node):
                began = time.monotonic()
                ids.append((await visitor.send(f"while frozen {round_}", conv))["id"])
                took = time.monotonic() - began
            assert took < CALM_S, f"{took:.1f} s"
        stored = [e.event["id"] for e in await stored_events(system, conv)]
        assert [stored.count(one) for one in ids] == [1] * rounds


@pytest.mark.rest
async def test_a_calm_client_waits_five_seconds_at_most_after_a_kill(system: System) -> None:
    """Another address is tried at once; the node that died is given its time to start."""
    visitor = system.visitor()
    async with asyncio.timeout(WITHIN_S), visitor.running():
        conv = (await visitor.send("before"))["conv"]
        await visitor.subscribe(conv)
        node = system.nodes[(visitor.connects - 1) % len(system.nodes)]
        node.kill()
        try:
            began = time.monotonic()
            await visitor.send("after", conv)
            took = time.monotonic() - began
        finally:
            node.start()
            await asyncio.to_thread(node.wait_ready)
        assert took < CALM_S, f"{took:.1f} s"
