"""Routing on a real log: assignments, work given back, and heads that can be thrown away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backbone.conversation import Head
from backbone.failpoints import CONSENT, CONSENTED, POINT
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link
from tests.harness.log import stored_events
from tests.harness.processes import READY_WITHIN_S, Process
from tests.harness.system import EMMA, LIN, TENANT, System, running_system
from trunkline.connect import connected


async def heads_of(link: Link) -> dict[str, Head]:
    bucket: Bucket[Head] = Bucket(link, "heads", Head)
    return {kept.value.conv: kept.value for kept in await bucket.all(f"{TENANT}.*")}


async def heads(system: System) -> dict[str, Head]:
    async with connected(system.common, "test") as link:
        return await heads_of(link)


@pytest.mark.timeout(120)
def test_waiting_conversations_go_to_those_with_room_the_longest_waiting_first(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=2, adapters=("routing",), agents=(LIN, EMMA)) as system:
        asyncio.run(_shared_out(system))
        asyncio.run(_rebuilt(system))


async def _shared_out(system: System) -> None:
    convs = []
    async with system.agent(LIN, nodes=[system.nodes[0]]).running() as lin:
        await lin.presence("online", capacity=2)
        for number in range(5):
            async with system.visitor(nodes=[system.nodes[number % 2]]).running() as visitor:
                convs.append(str((await visitor.send(f"customer {number}"))["conv"]))
        await _until(system, lambda found: _owned(found, "lin") == 2)
        found = await heads(system)
        assert [found[c].agent for c in convs] == ["lin", "lin", "", "", ""]
        async with system.agent(EMMA, nodes=[system.nodes[1]]).running():
            await _until(system, lambda found: _owned(found, "emma") == 3)
            await lin.act(convs[0], "resolve")
            await _until(system, lambda found: found[convs[0]].status == "resolved")
            events = [e.event for e in await stored_events(system, convs[2])]
            assert [e["type"] for e in events][-2:] == ["queue.left", "conversation.assigned"]
            assert events[-1]["reason"]["rule"] == "fewest_open"
            assert events[-1]["by"]["kind"] == "system"


async def _rebuilt(system: System) -> None:
    before = await _settled(system)
    assert len(before) == 5
    routing = system.adapters["routing"]
    routing.stop()
    async with connected(system.common, "test") as link:
        await link.api("STREAM.DELETE.KV_heads", {})
    routing.start()
    ready = await asyncio.to_thread(_first_ready, routing)
    assert ready["role"] == "active"
    assert (await heads(system)).keys() == before.keys()
    assert _as_bytes(await _settled(system)) == _as_bytes(before)


def _first_ready(process: Process) -> dict[str, Any]:
    """What it tells with its very first yes: asked without a pause, which a yes of some milliseconds doesn't escape."""
    found: list[Any] = []

    def is_ready() -> bool:
        status, body = process.ready()
        found.append(body)
        return status == HTTPStatus.OK

    deadline = time.monotonic() + READY_WITHIN_S
    while not is_ready():
        assert time.monotonic() < deadline, process.tail()
    body: dict[str, Any] = found[-1]
    return body


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Routing that gives up an agent, and a lease, after two seconds; each test resolves its conversations."""
    system = System(tmp_path_factory.mktemp("hasty"))
    system.more = {"TRUNKLINE_ROUTING_GONE_S": "2", "TRUNKLINE_ROUTING_LEASE_S": "2"}
    try:
        system.start(nodes=1, adapters=("routing",))
        system.add_agents(LIN, EMMA)
        yield system
    finally:
        system.end()


@pytest.mark.timeout(120)
def test_work_of_an_agent_who_vanished_goes_back_with_its_waiting_time(hasty: System) -> None:
    asyncio.run(_gone(hasty))


async def _gone(system: System) -> None:
    async with system.visitor().running() as visitor:
        conv = str((await visitor.send("hello?"))["conv"])
        async with system.agent(LIN).running():
            await _until(system, lambda found: conv in found and found[conv].agent == "lin")
        opened = (await heads(system))[conv].opened_at
        await _until(system, lambda found: found[conv].status == "queued")
        head = (await heads(system))[conv]
        assert head.queue is not None
        assert head.queue.at <= opened + 1000
        types = [e.event["type"] for e in await stored_events(system, conv)]
        assert types[-2:] == ["conversation.released", "queue.entered"]
        async with system.agent(EMMA).running() as emma:
            await _until(system, lambda found: found[conv].agent == "emma")
            await emma.act(conv, "resolve")
            more = int((await visitor.send("one more thing", conv))["seq"])
            # Open before it was resolved, too: what counts is the head behind the message.
            await _until(system, lambda found: found[conv].seq > more and found[conv].status == "open")
            assert (await heads(system))[conv].agent == "emma"
            await emma.act(conv, "resolve")


@pytest.mark.timeout(120)
def test_a_killed_routing_goes_on_and_a_second_one_stands_by(hasty: System) -> None:
    asyncio.run(_killed(hasty))


async def _killed(system: System) -> None:
    routing = system.adapters["routing"]
    async with system.agent(LIN).running() as lin, system.visitor().running() as first:
        conv = str((await first.send("first"))["conv"])
        await _until(system, lambda found: conv in found and found[conv].agent == "lin")
        await asyncio.to_thread(routing.kill)
        async with system.visitor().running() as second:
            other = str((await second.send("second"))["conv"])
            # On this thread: a child ends with the thread that started it.
            routing.start()
            await _until(system, lambda found: other in found and found[other].agent == "lin", 30)
        for each in (conv, other):
            await lin.act(each, "resolve")


def _owned(found: dict[str, Head], agent: str) -> int:
    return sum(h.agent == agent for h in found.values())


def _as_bytes(found: dict[str, Head]) -> dict[str, bytes]:
    return {conv: msgspec.json.encode(head) for conv, head in found.items()}


async def _until(system: System, condition: object, within_s: float = 30) -> None:
    assert callable(condition)
    async with connected(system.common, "test") as link, asyncio.timeout(within_s):
        while not condition(await heads_of(link)):
            await asyncio.sleep(0.1)


async def _settled(system: System) -> dict[str, Head]:
    """The heads once they have been the same for two seconds: routing writes those of messages each second."""
    last: dict[str, Head] = {}
    same = 0
    async with connected(system.common, "test") as link, asyncio.timeout(30):
        while same < 4:
            now = await heads_of(link)
            same = same + 1 if now == last and now else 0
            last = now
            await asyncio.sleep(0.5)
    return last


@pytest.mark.timeout(120)
def test_a_kill_between_two_reopenings_forgets_neither(hasty: System) -> None:
    """Heads had both messages by then, so that nobody looked at these again: the second customer waited for ever."""
    asyncio.run(_reopened_after_a_kill(hasty))


async def _reopened_after_a_kill(system: System) -> None:
    routing = system.adapters["routing"]
    async with (
        system.visitor().running() as first,
        system.visitor().running() as second,
        system.agent(LIN).running() as lin,
    ):
        convs = {str((await one.send("hello?"))["conv"]): one for one in (first, second)}
        await _until(system, lambda found: all(c in found and found[c].agent == "lin" for c in convs))
        for conv in convs:
            await lin.act(conv, "resolve")
        await _until(system, lambda found: all(found[c].status == "resolved" for c in convs))
        await asyncio.to_thread(routing.stop)
        for conv, visitor in convs.items():
            await visitor.send("one more thing", conv)
        routing.environment |= {POINT: "routing.decided:1", CONSENT: CONSENTED}
        # A process ends with the thread that started it.
        routing.start()
        assert routing.process is not None
        assert await asyncio.to_thread(routing.process.wait, 60) == -9, routing.tail()
        del routing.environment[POINT], routing.environment[CONSENT]
        routing.start()
        # Where the kill fell between heads and cursor they are made anew: until then the bucket has none.
        await _until(system, lambda found: all(c in found and found[c].status == "open" for c in convs))
        for conv in convs:
            await lin.act(conv, "resolve")
