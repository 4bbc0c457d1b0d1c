"""Beside each attack 20 visitors and 3 agents go on on the same node: nobody is refused, nothing is lost, and memory
comes back.

`make test-rest` attacks for some seconds each, `make faults` for a minute; both print what it cost the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from tests.bench.memory import rss_kb
from tests.faults.attacks import ATTACKS, MIB
from tests.harness.processes import PLAIN
from tests.harness.system import EMMA, LIN, Login, System
from trunkline import rest
from trunkline.client import Applied, Client

ZHOU = Login("zhou", "周宁", "zhou@example.com")
VISITORS = 20
EVERY_S = 0.5
WARM_S = 4.0
GROWTH = 1.10
SLACK = 8 * MIB
"""What a heap of its size may move by itself."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    made = System(tmp_path_factory.mktemp("beside"))
    made.module = PLAIN
    made.more = {"TRUNKLINE_NODE_VISITORS_RATE": "60000"}
    try:
        made.start(nodes=1, adapters=("routing",))
        made.add_agents(LIN, EMMA, ZHOU)
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def cookies(system: System) -> list[str]:
    """Of the agents, signed in before anybody guesses passwords from the same address."""
    return [system.agent(login).cookie for login in (LIN, EMMA, ZHOU)]


class Company:
    """20 visitors who write, 3 agents who see all of it; how long each message took from its sender to each agent."""

    def __init__(self, system: System, cookies: list[str]) -> None:
        node = system.nodes[0].ws
        self.visitors = [system.visitor() for _ in range(VISITORS)]
        self.agents = [Client([node], cookie=cookie, seen=self._seen) for cookie in cookies]
        self.took: list[float] = []
        self.convs: list[str] = []
        self._sent: dict[str, float] = {}
        self._pushed: Counter[str] = Counter()
        self._number = 0

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Everybody is there and every conversation is open."""
        async with contextlib.AsyncExitStack() as stack:
            for one in (*self.visitors, *self.agents):
                await stack.enter_async_context(one.running())
            self.convs = [str((await one.send("你好"))["conv"]) for one in self.visitors]
            for conv in self.convs:
                for agent in self.agents:
                    await agent.subscribe(conv)
            yield

    async def talk(self, seconds: float) -> list[float]:
        """Everybody writes every half second; returns how long each push took, in seconds, ascending."""
        self.took.clear()
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for visitor, conv in zip(self.visitors, self.convs, strict=True):
                group.create_task(self._write(visitor, conv, until))
        async with asyncio.timeout(30):
            while self._sent:
                await asyncio.sleep(0.05)
        return sorted(self.took)

    async def _write(self, visitor: Client, conv: str, until: float) -> None:
        await asyncio.sleep(random.uniform(0, EVERY_S))
        while time.monotonic() < until:
            self._number += 1
            text = f"line {self._number}"
            self._sent[text] = time.monotonic()
            await visitor.send(text, conv)
            await asyncio.sleep(EVERY_S)

    def _seen(self, _conv: str, applied: Applied) -> None:
        text = applied.event.get("text", "")
        if (began := self._sent.get(text)) is not None:
            self.took.append(time.monotonic() - began)
            self._pushed[text] += 1
            if self._pushed[text] == len(self.agents):
                del self._sent[text], self._pushed[text]


class Cost(NamedTuple):
    """Seconds that pushes took, and how many there were."""

    p50: float
    p99: float
    longest: float
    count: int


def cost(took: list[float]) -> Cost:
    return Cost(took[len(took) // 2], took[int(len(took) * 0.99)], took[-1], len(took))


def memory(system: System) -> int:
    return rss_kb(system.nodes[0].pid) * 1024


@pytest.mark.rest
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_everybody_goes_on_beside_an_attack(system: System, cookies: list[str], name: str) -> None:
    asyncio.run(_beside(system, cookies, name, 5.0))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_everybody_goes_on_beside_a_minute_of_an_attack(system: System, cookies: list[str], name: str) -> None:
    asyncio.run(_beside(system, cookies, name, 60.0))


async def _beside(system: System, cookies: list[str], name: str, seconds: float) -> None:
    company = Company(system, cookies)
    async with company.at_work():
        known = await _known(system, company, name)
        quiet = cost(await company.talk(WARM_S))
        # What the first attack of its kind makes once, such as threads and buffers, is no leak.
        await _attacked(system, company, name, WARM_S, known)
        before = await _at_rest(system, 0)
        attacked, did, peak = await _attacked(system, company, name, seconds, known)
        after = await _at_rest(system, int(before * GROWTH) + SLACK)
    sys.stderr.write(
        f"\n{name} {seconds:.0f} s: {did}; push p50 {attacked.p50 * 1000:.0f} ms, p99 {attacked.p99 * 1000:.0f} ms, "
        f"longest {attacked.longest * 1000:.0f} ms of {attacked.count} (quiet p99 {quiet.p99 * 1000:.0f} ms); "
        f"memory {before / MIB:.0f}, at most {peak / MIB:.0f}, after {after / MIB:.0f} MiB\n"
    )
    assert sum(did.values()) > 0, "the attack did nothing"
    assert attacked.count >= VISITORS * len(company.agents)
    assert all(one.connects == 1 for one in (*company.visitors, *company.agents)), "somebody was cut off"
    assert system.nodes[0].ready()[0] == 200
    assert "nats.disconnected" not in system.nodes[0].log.read_text()
    assert after <= before * GROWTH + SLACK


async def _attacked(
    system: System, company: Company, name: str, seconds: float, known: dict[str, str]
) -> tuple[Cost, dict[str, int], int]:
    attacker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.attacks",
        name,
        str(system.nodes[0].port),
        str(seconds),
        *(f"{key}={value}" for key, value in known.items()),
        stdout=asyncio.subprocess.PIPE,
    )
    peak, is_over = 0, asyncio.Event()

    async def look() -> None:
        nonlocal peak
        while not is_over.is_set():
            peak = max(peak, memory(system))
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    took = await company.talk(seconds)
    out, _ = await attacker.communicate()
    is_over.set()
    await looking
    assert attacker.returncode == 0
    did: dict[str, int] = json.loads(out)
    return cost(took), did, peak


async def _at_rest(system: System, wanted: int) -> int:
    """The node's memory once it is at most `wanted` bytes, or has stood still."""
    found = memory(system)
    for _ in range(100):
        await asyncio.sleep(0.2)
        last, found = found, memory(system)
        if (wanted and found <= wanted) or (not wanted and abs(found - last) < MIB):
            break
    return found


async def _known(system: System, company: Company, name: str) -> dict[str, str]:
    """What the maker of an attack has at hand."""
    node, agent = system.nodes[0], company.agents[0]
    match name:
        case "mentions":
            return {"cookie": agent.cookie, "conv": company.convs[0]}
        case "texts":
            return {"token": rest.become_visitor(node.http, "web")[0]}
        case "guesses":
            return {"email": LIN.email}
        case "uploads":
            return {"tokens": ",".join(rest.become_visitor(node.http, "web")[0] for _ in range(8))}
        case "downloads":
            return {"path": await _file(system, agent, company.convs[0])}
        case _:
            return {}


async def _file(system: System, agent: Client, conv: str) -> str:
    """The path of a signed link to 20 MiB."""
    node = system.nodes[0]
    content = os.urandom(20 * MIB)
    saved = await asyncio.to_thread(
        rest.upload, node.http, "a.bin", content, "application/octet-stream", cookie=agent.cookie
    )
    sent = await agent.send("here", conv, attachments=[saved.body["file"]])
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    path = f"/api/v1/conversations/{conv}/files/{sent['seq']}/0"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nCookie: {agent.cookie}\r\n\r\n".encode())
    head: Any = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    place = next(line for line in head.splitlines() if line.lower().startswith("location:")).split(": ", 1)[1]
    return urllib.parse.urlsplit(place).path
