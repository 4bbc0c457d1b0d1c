"""A quiet system, send to push: 100 messages a second from a visitor's socket to an agent's, every adapter at work.

Open loop: each message has an intended time and latency counts from it, so that a stall is not hidden by the
messages that weren't sent during it. Three runs after a warm-up; both sockets are in one process and share its clock.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from backbone.ids import new_event_id
from tests.bench import machine
from tests.harness.processes import PLAIN
from tests.harness.system import LIN, System
from trunkline.client import Client, Frame

RATE = 100
SECONDS = 30
WARM_UP_S = 5
RUNS = 3
GENERATOR_MOST = 0.7
"""Above this share of its core the generator measures itself, and the figure is void."""


class BenchSystem(System):
    """Without the limit that keeps one visitor from writing 100 messages a second; every write synced."""

    module = PLAIN

    @property
    def environment(self) -> dict[str, str]:
        """The settings of each of its processes."""
        return {
            **super().environment,
            "TRUNKLINE_PROFILE": "synced",
            "TRUNKLINE_LOG_LEVEL": "warning",
            "TRUNKLINE_NODE_VISITOR_RATE": "10000",
            "TRUNKLINE_NODE_VISITOR_BURST": "10000",
        }


def measure() -> dict[str, Any]:
    """Milliseconds from the intended time of sending to the push at the other side, and CPU of each process."""
    with tempfile.TemporaryDirectory() as folder:
        system = BenchSystem(Path(folder), sync="always")
        try:
            system.start(adapters=("routing", "warehouse"))
            system.add_agents(LIN)
            return asyncio.run(_measure(system))
        finally:
            system.end()


async def _measure(system: System) -> dict[str, Any]:
    arrived: dict[str, float] = {}

    def note(frame: Frame) -> None:
        if frame["t"] == "ev" and frame["event"]["type"] == "message.added":
            arrived[frame["event"]["id"]] = time.perf_counter()

    visitor, agent = system.visitor(), system.agent(LIN, pushed=note)
    async with visitor.running(), agent.running():
        connects = visitor.connects + agent.connects
        conv = str((await visitor.send("你好"))["conv"])
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        await _send(visitor, conv, WARM_UP_S)
        processes = {p.name: p.pid for p in (*system.nodes, *system.adapters.values())}
        assert system.nats.process is not None
        processes["nats-server"] = system.nats.process.pid
        before = {name: machine.cpu_s(pid) for name, pid in processes.items()}
        own, began = time.process_time(), time.perf_counter()
        runs = [_figures(await _send(visitor, conv, SECONDS), arrived) for _ in range(RUNS)]
        spent_s = time.perf_counter() - began
        generator = (time.process_time() - own) / spent_s
        messages = RUNS * RATE * SECONDS
        cpu = {name: (machine.cpu_s(pid) - before[name]) / messages * 1e6 for name, pid in processes.items()}
        assert visitor.connects + agent.connects == connects, "void: somebody was cut off"
    assert generator < GENERATOR_MOST, f"void: the generator took {generator:.0%} of its core"
    return {
        "profile": "synced",
        "rate": RATE,
        "seconds": SECONDS,
        "runs": runs,
        "p50_ms": statistics.median(run["p50_ms"] for run in runs),
        "p99_ms": statistics.median(run["p99_ms"] for run in runs),
        "cpu_us_a_message": {name: round(us) for name, us in cpu.items()},
        "generator_core": round(generator, 2),
    }


async def _send(visitor: Client, conv: str, seconds: int) -> dict[str, float]:
    """Send at the rate; returns id to intended time, once everything sent has had time to arrive."""
    intended: dict[str, float] = {}
    start = time.perf_counter()
    for n in range(RATE * seconds):
        at = start + n / RATE
        await asyncio.sleep(at - time.perf_counter())
        frame_id = new_event_id()
        intended[frame_id] = at
        text = f"第 {n} 条消息，看看多快能到另一边。"
        await visitor.say({"t": "send", "id": frame_id, "conv": conv, "kind": "text", "text": text})
    await asyncio.sleep(1)
    return intended


def _figures(intended: dict[str, float], arrived: dict[str, float]) -> dict[str, float]:
    missing = intended.keys() - arrived.keys()
    assert not missing, f"{len(missing)} of {len(intended)} messages never arrived"
    took_ms = sorted((arrived[each] - at) * 1000 for each, at in intended.items())
    return {
        "p50_ms": round(took_ms[len(took_ms) // 2], 2),
        "p99_ms": round(took_ms[int(len(took_ms) * 0.99)], 2),
        "max_ms": round(took_ms[-1], 2),
    }
