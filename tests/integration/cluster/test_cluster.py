"""Profile `cluster`: three replicas, and what the loss of one server, and of two, means."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from backbone.nats import streams
from tests.harness.apart import run_apart
from tests.harness.log import assert_in_the_warehouse, assert_saw_the_log, assert_stored_once, stored_events
from tests.harness.system import LIN
from tests.harness.trespass import trespasses
from tests.integration.cluster.conftest import ClusterSystem
from trunkline.client import Client
from trunkline.connect import connected

pytestmark = pytest.mark.timeout(300)

EACH = 60
KILL_AFTER = 20
REFUSED_WITHIN_S = 20.0
"""An acknowledgement is waited for 5 s; the rest is for a slow machine."""

UNREADY_WITHIN_S = 30.0
BACK_WITHIN_S = 90.0


def test_every_stream_and_bucket_has_three_replicas(system: ClusterSystem) -> None:
    """`heads` and `presence` too, which then can't be written ahead of the disk."""

    async def configs() -> dict[str, dict[str, Any]]:
        async with connected(system.common, "test") as link:
            wanted = [spec.name for spec in streams.everything(system.common.log_streams(), 3)]
            return {name: (await link.api(f"STREAM.INFO.{name}", {}))["config"] for name in wanted}

    found = run_apart(configs())
    assert {config["num_replicas"] for config in found.values()} == {3}
    assert [name for name, config in found.items() if config.get("persist_mode", "default") != "default"] == []


def test_doctor_and_readiness_say_what_is_promised(system: ClusterSystem) -> None:
    asked = system.run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(asked.stdout)["checks"]}
    assert checks["replicas"]["detail"] == "3 of each stream, all in step"
    assert checks["durability"] == {
        "name": "durability",
        "state": "ok",
        "detail": "cluster: an acknowledged event is on a majority of servers",
        "todo": "",
    }
    assert asked.returncode == 0, asked.stdout
    for process in (*system.nodes, *system.adapters.values()):
        status, body = process.ready()
        assert status == 200
        assert body["durability"] == "cluster: an acknowledged event is on a majority of servers"


@pytest.mark.long
def test_the_leader_of_a_stream_is_killed_twice_and_nothing_acknowledged_is_lost(system: ClusterSystem) -> None:
    """Both sides write; the stream's leader dies, comes back, and then the leader that followed it dies."""
    asyncio.run(_write_while_leaders_die(system))


async def _write_while_leaders_die(system: ClusterSystem) -> None:
    visitor = await asyncio.to_thread(system.visitor)
    agent = await asyncio.to_thread(system.agent, LIN)
    acknowledged: list[dict[str, Any]] = []

    async def write(client: Client, conv: str, word: str) -> None:
        for n in range(EACH):
            acknowledged.append(await client.send(f"{word} {n}", conv))
            await asyncio.sleep(0.05)

    async def count(least: int) -> None:
        async with asyncio.timeout(BACK_WITHIN_S):
            while len(acknowledged) < least:
                await asyncio.sleep(0.05)

    async with visitor.running(), agent.running():
        conv = str((await visitor.send("你好"))["conv"])
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        killed = []
        async with asyncio.TaskGroup() as group:
            group.create_task(write(visitor, conv, "问"))
            group.create_task(write(agent, conv, "答"))
            for turn in (1, 2):
                await count(KILL_AFTER * turn)
                leader = (await asyncio.to_thread(system.stream, f"CHAT_{conv[:2]}"))["cluster"]["leader"]
                await asyncio.to_thread(system.cluster.named(leader).kill)
                killed.append(leader)
                await count(KILL_AFTER * turn + 5)
                system.start_what_ended()
                await asyncio.to_thread(system.until_in_step)
        assert len(killed) == 2
        log = await stored_events(system, conv)
        async with asyncio.timeout(BACK_WITHIN_S):
            for client in (visitor, agent):
                while (mark := client.conversations[conv].mark) is None or mark[1] < log[-1].seq:
                    await asyncio.sleep(0.05)
    assert len(acknowledged) == 2 * EACH
    assert_stored_once(log, acknowledged)
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert_saw_the_log(agent, conv, log, is_visitor=False)
    await asyncio.to_thread(assert_in_the_warehouse, system, conv)


@pytest.mark.rest
def test_with_two_servers_dead_posts_are_refused_and_readiness_says_so_until_they_are_back(
    system: ClusterSystem,
) -> None:
    asyncio.run(_lose_the_majority(system))


async def _lose_the_majority(system: ClusterSystem) -> None:
    refusals: list[tuple[float, str]] = []

    def pushed(frame: dict[str, Any]) -> None:
        if frame["t"] == "err":
            refusals.append((time.monotonic(), str(frame["code"])))

    node = system.nodes[0]
    visitor = await asyncio.to_thread(lambda: system.visitor(nodes=[node], pushed=pushed))
    async with visitor.running():
        before = await visitor.send("before")
        conv = str(before["conv"])
        await visitor.subscribe(conv)
        survivor = (await asyncio.to_thread(system.stream, f"CHAT_{conv[:2]}"))["cluster"]["leader"]
        for member in system.cluster.members:
            if member.name != survivor:
                await asyncio.to_thread(member.kill)
        asked_at = time.monotonic()
        sending = asyncio.create_task(visitor.send("meanwhile", conv))
        async with asyncio.timeout(UNREADY_WITHIN_S):
            while not refusals:
                await asyncio.sleep(0.05)
            while (found := await asyncio.to_thread(node.ready))[0] != 503 or found[1]["checks"]["log"] == "ok":
                await asyncio.sleep(0.2)
        assert refusals[0][0] - asked_at < REFUSED_WITHIN_S
        assert {code for _, code in refusals} <= {"log.unavailable", "log.unknown_outcome"}
        body = found[1]
        assert "too few" in body["checks"]["log"] or "isn't there" in body["checks"]["log"], body
        assert not sending.done(), "acknowledged by a minority"
        system.cluster.start()
        async with asyncio.timeout(BACK_WITHIN_S):
            while (await asyncio.to_thread(node.ready))[0] != 200:
                await asyncio.sleep(0.2)
            meanwhile = await sending
            after = await visitor.send("after", conv)
    log = await stored_events(system, conv)
    assert_stored_once(log, [before, meanwhile, after])


async def test_a_process_that_is_taken_over_is_refused_by_every_server(system: ClusterSystem) -> None:
    """The same users on each of the three, whichever one a process is connected to."""
    for member in system.cluster.members:
        assert not await trespasses(f"nats://127.0.0.1:{member.port}", system.nats.password), member.name
