"""Strangers guess passwords from thousands of addresses: whoever is connected notices nothing, agents still sign in."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.memory import rss_kb
from tests.harness.processes import PLAIN
from tests.harness.system import EMMA, LIN, System
from trunkline import rest
from trunkline.client import Applied, Client

STRANGERS = 30
VISITORS = 20
P99_MOST_S = 0.5
TIMES = 10
"""Of the P99 that the same machine had just before, where it is so slow or busy that half a second says nothing."""

KEPT_MOST = 1.1
"""Of the memory before, once it is over; and some that Python's allocator holds after any first work."""

ALLOCATED_MIB = 10


class Flood:
    """So many strangers, each of whom has a new address for every try."""

    def __init__(self, http: str) -> None:
        self._url = f"{http}/api/v1/session"
        self._is_over = threading.Event()
        self.answers: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._guess, args=(n,), daemon=True) for n in range(STRANGERS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """They give up."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)

    def _guess(self, stranger: int) -> None:
        number = 0
        while not self._is_over.wait(0.05):
            number += 1
            body = {"email": f"nobody{stranger}-{number}@example.com", "password": "a guess"}
            address = f"10.{stranger}.{number // 250 % 250}.{number % 250}"
            answer = rest.call("POST", self._url, body, headers={"X-Forwarded-For": address}, timeout_s=60)
            self.answers[answer.status] += 1


async def _talk(system: System, for_s: float) -> list[float]:
    """Seconds from send to push of what visitors write to agents who look on."""
    sent: dict[str, float] = {}
    took: dict[str, float] = {}

    def seen(_conv: str, applied: Applied) -> None:
        text = applied.event.get("text", "")
        if text in sent and text not in took:
            took[text] = time.monotonic() - sent[text]

    async def write(visitor: Client, conv: str, number: int) -> None:
        end, count = time.monotonic() + for_s, 0
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(0.5, 1.5))
            count += 1
            text = f"{number}: {count}"
            sent[text] = time.monotonic()
            await visitor.send(text, conv)

    async with contextlib.AsyncExitStack() as people:
        agents = [await people.enter_async_context(system.agent(LIN, seen=seen).running()) for _ in range(3)]
        visitors = [await people.enter_async_context(system.visitor().running()) for _ in range(VISITORS)]
        convs = [str((await visitor.send("hello"))["conv"]) for visitor in visitors]
        for number, conv in enumerate(convs):
            await agents[number % 3].subscribe(conv)
        await asyncio.gather(*(write(visitor, convs[n], n) for n, visitor in enumerate(visitors)))
        async with asyncio.timeout(30):
            while len(took) < len(sent):
                await asyncio.sleep(0.02)
    return sorted(took.values())


def _flooded(folder: Path, for_s: float) -> None:
    system = System(folder)
    system.module = PLAIN
    try:
        system.start()
        system.add_agents(LIN, EMMA)
        node = system.nodes[0]
        # Emma was here before, and comes back while it lasts.
        assert rest.sign_in(node.http, EMMA.email, EMMA.password).status == 200
        quiet = asyncio.run(_talk(system, 4))
        before = rss_kb(node.pid) // 1024
        flood = Flood(node.http)
        try:
            took = asyncio.run(_and_signs_in(system, for_s))
        finally:
            flood.end()
        assert set(flood.answers) == {401, 429}
        assert _p99(took) < max(P99_MOST_S, TIMES * _p99(quiet))
        assert rss_kb(node.pid) // 1024 <= before * KEPT_MOST + ALLOCATED_MIB
    finally:
        system.end()


def _p99(took: list[float]) -> float:
    return took[int(len(took) * 0.99)]


async def _and_signs_in(system: System, for_s: float) -> list[float]:
    talking = asyncio.create_task(_talk(system, for_s))
    await asyncio.sleep(for_s / 2)
    came = await asyncio.to_thread(rest.sign_in, system.nodes[0].http, EMMA.email, EMMA.password)
    assert came.status == 200, came
    return await talking


@pytest.mark.rest
@pytest.mark.timeout(120)
def test_a_flood_of_guesses_is_noticed_by_nobody(tmp_path: Path) -> None:
    _flooded(tmp_path, 8)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_minute_of_guesses_is_noticed_by_nobody(tmp_path: Path) -> None:
    _flooded(tmp_path, 60)
