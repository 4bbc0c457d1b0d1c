"""Children of `trunkline up` that live and do nothing: stopped, or with an event loop that is blocked.

Each is ended and started again within a bounded time, said once with the reason and counted; a visitor writes on
meanwhile, and nothing that was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.harness.ports import free_port
from tests.harness.series import series
from tests.harness.up import Up, trunkline, up
from tests.harness.waiting import wait_until
from trunkline import rest
from trunkline.client import Client
from trunkline.up.mending import AGAIN_LEAST_S

pytestmark = pytest.mark.timeout(180)

HUNG_S = 3.0
AGAIN_WITHIN_S = HUNG_S + 25.0
"""Until the one that follows works: silence, backoff, and its start on a machine that is at work."""

WORKS_WITHIN_S = 60.0

BOT = {"token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "secret": "secret-of-hooks"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A system that takes a child for hung after three seconds, with a channel that has an account."""
    folder = tmp_path_factory.mktemp("hung")
    environment = {"TRUNKLINE_HEALTH_PORT": str(free_port()), "TRUNKLINE_HUNG_S": str(HUNG_S)}
    with up(folder, environment=environment) as running:
        settings = folder / "bot.json"
        settings.write_text(json.dumps(BOT))
        trunkline(
            "channel", "add", "telegram", "--inbox", "bot", "--settings", str(settings), "--data", str(running.data)
        )
        wait_until(
            lambda: _are_up(running, "node", "routing", "warehouse", "telegram", "health"), running.said, WORKS_WITHIN_S
        )
        yield running


def test_a_node_that_is_stopped_is_started_again_and_its_visitor_writes_on(machine: Up) -> None:
    asyncio.run(_hang(machine, "node", "node", has_traffic=True))


@pytest.mark.rest
@pytest.mark.parametrize("name", ["routing", "warehouse", "telegram"])
def test_an_adapter_that_is_stopped_is_started_again(machine: Up, name: str) -> None:
    asyncio.run(_hang(machine, f"adapter {name}", name, has_traffic=True))


@pytest.mark.rest
def test_who_answers_for_health_is_started_again_when_it_is_stopped(machine: Up) -> None:
    asyncio.run(_hang(machine, "health", "health", has_traffic=False))


@pytest.mark.rest
@pytest.mark.parametrize("has_traffic", [True, False])
def test_a_nats_server_that_is_stopped_is_started_again_with_traffic_and_without(
    machine: Up, *, has_traffic: bool
) -> None:
    asyncio.run(_hang(machine, "nats-server", "nats-server", has_traffic=has_traffic, why="it hangs"))


@pytest.mark.rest
def test_a_node_whose_event_loop_is_blocked_is_started_again(tmp_path: Path) -> None:
    """It hangs for an hour with a message that it has stored and not acknowledged."""
    environment = {
        "TRUNKLINE_HEALTH_PORT": str(free_port()),
        "TRUNKLINE_HUNG_S": str(HUNG_S),
        "TRUNKLINE_FAILPOINT": "node.stored:3",
        "TRUNKLINE_FAILPOINTS": "block-this-process",
    }
    with up(tmp_path, environment=environment) as running:
        wait_until(lambda: _are_up(running, "node"), running.said, WORKS_WITHIN_S)
        first = running.child("node")

        async def write() -> None:
            async with _visitor(running) as client:
                said = [f"line {number}" for number in range(4)]
                conv = (await client.send(said[0]))["conv"]
                for line in said[1:]:
                    await client.send(line, conv)
                assert await _texts(running, client, conv) == Counter(said)

        asyncio.run(asyncio.wait_for(write(), 2 * AGAIN_WITHIN_S))
        assert running.child("node") != first
        assert "node gave no sign of life for" in running.said()


@pytest.mark.rest
def test_an_up_that_was_stopped_kills_nobody_when_it_goes_on(machine: Up) -> None:
    """The silence is its own. Then all of them are stopped and go on together, as on a machine that slept.

    Time that passes is the attack here: nothing can be waited for, since nothing may happen.
    """
    everybody = machine.family()
    said = len(machine.said())
    machine.process.send_signal(signal.SIGSTOP)
    time.sleep(3 * HUNG_S)
    machine.process.send_signal(signal.SIGCONT)
    time.sleep(2 * HUNG_S)
    assert machine.family() == everybody
    pids = [machine.process.pid, *everybody.values()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(3 * HUNG_S)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    time.sleep(2 * HUNG_S)
    assert machine.family() == everybody
    assert "sign of life" not in machine.said()[said:]
    wait_until(lambda: _are_up(machine, "node", "routing", "warehouse", "health"), machine.said, WORKS_WITHIN_S)


async def _hang(machine: Up, job: str, name: str, *, has_traffic: bool, why: str = "gave no sign of life for") -> None:
    """Stop a child for good; a visitor writes before, meanwhile and afterwards."""
    await asyncio.to_thread(
        wait_until, lambda: _are_up(machine, name) and _is_ready(machine), machine.said, WORKS_WITHIN_S
    )
    # One that hangs again at once waits for its turn.
    within_s = AGAIN_WITHIN_S + (AGAIN_LEAST_S if job == "nats-server" else 0)
    said, restarts = len(machine.said()), await asyncio.to_thread(_restarts, machine, name)
    lines: list[str] = []
    async with _visitor(machine) as client:
        conv = (await client.send("before"))["conv"]
        hung = machine.child(job)
        os.kill(hung, signal.SIGSTOP)
        began = time.monotonic()

        def is_another() -> bool:
            return machine.family().get(job, hung) != hung

        while not is_another():
            assert time.monotonic() - began < within_s, machine.said()
            if has_traffic:
                lines.append(f"line {len(lines)}")
                await asyncio.wait_for(client.send(lines[-1], conv), within_s)
            await asyncio.sleep(0.1)
        await asyncio.wait_for(client.send("afterwards", conv), within_s)
        took_s = time.monotonic() - began
        assert await _texts(machine, client, conv) == Counter(["before", *lines, "afterwards"])
    assert took_s < within_s
    await asyncio.to_thread(wait_until, lambda: _are_up(machine, name), machine.said, WORKS_WITHIN_S)
    assert await asyncio.to_thread(_restarts, machine, name) == restarts + 1
    told = _told(machine, said)
    assert sum(name in sentence and why in sentence for sentence in told) == 1, told
    # Nobody else was taken for hung.
    assert sum("sign of life" in sentence for sentence in told) == (job != "nats-server"), told


@contextlib.asynccontextmanager
async def _visitor(machine: Up) -> AsyncIterator[Client]:
    token, _ = await asyncio.to_thread(rest.become_visitor, machine.http, "web")
    async with Client([f"{machine.http.replace('http', 'ws', 1)}/ws"], token=token).running() as client:
        yield client


async def _texts(machine: Up, client: Client, conv: str) -> Counter[str]:
    """What somebody else who reads the whole conversation finds in it: each text as often as it is stored."""
    url = f"{machine.http.replace('http', 'ws', 1)}/ws"
    async with Client([url], token=client.token).running() as reader:
        found = await reader.subscribe(conv)
        return Counter(applied.event["text"] for applied in found.events if applied.event["type"] == "message.added")


def _told(machine: Up, since: int) -> list[str]:
    """What `up` itself has said since then."""
    lines = [json.loads(line) for line in machine.said()[since:].splitlines() if line.startswith("{")]
    return [str(line["event"]) for line in lines if line["process"] == "up"]


def _is_ready(machine: Up) -> bool:
    return rest.call("GET", f"{machine.http}/readyz", timeout_s=30).status == 200


def _restarts(machine: Up, name: str) -> float:
    return series(f"http://127.0.0.1:{machine.health_port}", within_s=30).value(
        "trunkline_process_restarts_total", process=name
    )


def _are_up(machine: Up, *names: str) -> bool:
    found = series(f"http://127.0.0.1:{machine.health_port}", within_s=30)
    known = found.labels("trunkline_process_up", "process")
    return all(name in known and found.value("trunkline_process_up", process=name) == 1 for name in names)
