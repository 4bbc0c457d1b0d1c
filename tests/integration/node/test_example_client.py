"""The client of docs/examples, written from docs/protocol.md alone: nodes die while both sides write, and it shows
every event once and in order, and everything it was asked to send is stored once.
"""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from backbone.events import SHOWN_TO_VISITORS
from tests.harness.log import stored_events
from tests.harness.system import LIN, System

pytestmark = pytest.mark.anyio

SOURCE = Path(__file__).parents[3] / "docs" / "examples" / "client.py"
MOST_LINES = 150
ROUNDS = 4
WITHIN_S = 90.0


def example() -> Any:
    spec = importlib.util.spec_from_file_location("example_client", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_short() -> None:
    assert len(SOURCE.read_text().splitlines()) < MOST_LINES


@pytest.mark.rest
async def test_it_resumes_whatever_node_dies(system: System) -> None:
    shown: list[dict[str, Any]] = []
    visitor = example().Visitor("web", [node.http for node in system.nodes], shown.append)
    running = asyncio.create_task(visitor.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            written = await _talk_while_nodes_die(system, visitor, shown)
    finally:
        # More than once: `wait_for` of Python 3.11 may lose a cancellation to an answer that comes with it.
        while not running.done():
            running.cancel()
            # A second cancellation while it closes its socket would leave the socket open.
            await asyncio.wait({running}, timeout=5)
    assert not visitor.refused
    log = await stored_events(system, visitor.conv)
    ids = [stored.event["id"] for stored in log]
    assert len(ids) == len(set(ids))
    assert written <= set(ids)
    assert [e["id"] for e in shown] == [s.event["id"] for s in log if s.event["type"] in SHOWN_TO_VISITORS]


async def _talk_while_nodes_die(system: System, visitor: Any, shown: list[dict[str, Any]]) -> set[str]:
    """Ids of all that both sides wrote, once the visitor was shown it."""
    sent = [await visitor.send("你好")]
    answers: list[str] = []
    agent = system.agent(LIN)
    async with agent.running():
        while not visitor.conv:
            await asyncio.sleep(0.02)
        for number in range(ROUNDS):
            node = system.nodes[number % len(system.nodes)]
            async with asyncio.TaskGroup() as group:
                group.create_task(_both_write(visitor, agent, sent, answers, number))
                await asyncio.sleep(0.15)
                node.kill()
                await asyncio.sleep(0.3)
                node.start()
                await asyncio.to_thread(node.wait_ready)
        while visitor.unsent or not set(answers) <= {e["id"] for e in shown}:
            await asyncio.sleep(0.05)
    return {*sent, *answers}


async def _both_write(visitor: Any, agent: Any, sent: list[str], answers: list[str], number: int) -> None:
    for n in range(20):
        sent.append(await visitor.send(f"{number}.{n}"))
        answers.append((await agent.send(f"answer {number}.{n}", visitor.conv))["id"])
        await asyncio.sleep(0.02)
