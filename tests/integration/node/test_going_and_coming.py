"""A node that leaves, and a log that is away."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.harness.system import INBOX, LIN, System, running_system
from trunkline import rest
from trunkline.client import Client


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - our own node
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of one node, whose node and log run again after each test."""
    with running_system(tmp_path_factory.mktemp("one"), nodes=1) as system:
        yield system


@pytest.mark.timeout(90)
def test_a_draining_node_sends_its_clients_to_the_other_and_nothing_is_missed(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=2, agents=(LIN,)) as system:
        asyncio.run(_drain(system))


async def _drain(system: System) -> None:
    first, second = system.nodes
    visitor = system.visitor(nodes=[first, second])
    agent = system.agent(LIN, nodes=[second])
    async with visitor.running(), agent.running():
        conv = (await visitor.send("0"))["conv"]
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        stopping = asyncio.create_task(asyncio.to_thread(first.stop))
        for number in range(1, 30):
            await visitor.send(str(number), conv)
            last = await agent.send(f"a{number}", conv)
            await asyncio.sleep(0.05)
        assert await stopping == 0
        await _settled(visitor, agent, conv, last["seq"])
    texts = [a.event["text"] for a in visitor.conversations[conv].events if a.event["type"] == "message.added"]
    assert sorted(texts) == sorted([str(n) for n in range(30)] + [f"a{n}" for n in range(1, 30)])
    assert visitor.connects > 1


async def _settled(visitor: Client, agent: Client, conv: str, last: int) -> None:
    """Both have seen the last event."""
    async with asyncio.timeout(30):
        for client in (visitor, agent):
            while (mark := client.conversations[conv].mark) is None or mark.seq < last:
                await asyncio.sleep(0.05)


@pytest.mark.timeout(90)
def test_without_nats_the_node_says_so_and_sends_fail_at_once_and_recover(one: System) -> None:
    asyncio.run(_away(one))


async def _away(system: System) -> None:
    (node,) = system.nodes
    refusals: list[str] = []

    def pushed(frame: dict[str, object]) -> None:
        if frame["t"] == "err":
            refusals.append(str(frame["code"]))

    async with system.visitor(pushed=pushed).running() as visitor:
        conv = (await visitor.send("before"))["conv"]
        await visitor.subscribe(conv)
        system.nats.kill()
        async with asyncio.timeout(30):
            while await asyncio.to_thread(status, node.http + "/readyz") != 503:
                await asyncio.sleep(0.05)
        assert await asyncio.to_thread(status, node.http + "/healthz") == 200
        sending = asyncio.create_task(visitor.send("meanwhile", conv))
        async with asyncio.timeout(30):
            while not refusals:
                await asyncio.sleep(0.02)
        assert refusals[0] in {"log.unavailable", "log.unknown_outcome"}
        system.nats.start()
        async with asyncio.timeout(30):
            while await asyncio.to_thread(status, node.http + "/readyz") != 200:
                await asyncio.sleep(0.05)
        sending.cancel()
        await visitor.send("after", conv)
        async with asyncio.timeout(30):
            while visitor.conversations[conv].events[-1].event.get("text") != "after":
                await asyncio.sleep(0.02)


@pytest.mark.timeout(90)
def test_a_node_that_starts_before_nats_waits_and_says_so(one: System) -> None:
    """Who comes before it has reached its log is greeted when it has."""
    asyncio.run(_early(one))


async def _early(system: System) -> None:
    (node,) = system.nodes
    token, _ = await asyncio.to_thread(rest.become_visitor, node.http, INBOX)
    node.kill()
    system.nats.kill()
    node.start()
    async with asyncio.timeout(30):
        while not (socket := await _connected(node.ws)):
            await asyncio.sleep(0.05)
    async with socket:
        assert await asyncio.to_thread(status, node.http + "/readyz") == 503
        await socket.send(json.dumps({"t": "hello", "token": token}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.3)
        system.nats.start()
        assert json.loads(await asyncio.wait_for(socket.recv(), 30))["t"] == "welcome"
    await asyncio.to_thread(node.wait_ready)


async def _connected(address: str) -> ClientConnection | None:
    try:
        return await connect(address, compression=None)
    except OSError:
        return None
