"""Memory of a socket with a conversation attached, while nothing happens but the pings of the protocol: one node.

Beside it in the same run the prototype, and a bare uvicorn without anything attached.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import fill, variables
from tests.bench.loadgen.handle import Generator
from tests.bench.memory import rss_kb, slope
from tests.bench.progress import say
from tests.bench.systems import Echo, Measured, raise_limits, running_product, running_prototype

SOCKETS = 15_000
STEPS = 5
SETTLE_S = 3.0


def measure() -> dict[str, Any]:
    """KB a socket in node and nats-server, as the slope over five counts of sockets up to SOCKETS."""
    sockets = variables.number("SOCKETS", SOCKETS)
    raise_limits()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        with running_product(Path(folder) / "product", "fast", nodes=1, fill=fill.with_people(sockets)) as product:
            ours = _slopes(product, sockets)
        found = {"race": "idle", "profile": "fast", "sockets": sockets, **ours, "void": False}
        if variables.with_baseline():
            with running_prototype(Path(folder) / "prototype", "fast", nodes=1) as prototype:
                found["baseline"] = _slopes(prototype, sockets)
            echo = Echo()
            stack.callback(echo.end)
            found["uvicorn_kb_per_socket"] = _slopes(echo, sockets)["kb_per_socket"]
            found["ratio"] = round(ours["kb_per_socket"] / found["baseline"]["kb_per_socket"], 3)
    return found


def _slopes(system: Measured, sockets: int) -> dict[str, Any]:
    pids = system.pids()
    generator = Generator(system.target())
    counts = [sockets * step // STEPS for step in range(STEPS + 1)]
    memory: dict[str, list[int]] = {name: [] for name in pids}
    try:
        for before, count in itertools.pairwise(counts):
            now = generator.ask("attach", begin=before, end=count)
            assert now["sockets"] == count, f"{now['sockets']} of {count} sockets are open: {now['cut']}"
            time.sleep(SETTLE_S)
            for name, pid in pids.items():
                memory[name].append(rss_kb(pid))
            say(f"{system.name}: {count} sockets, RSS KB { ({name: values[-1] for name, values in memory.items()}) }")
        end = generator.ask("sockets")
        assert end["sockets"] == sockets, f"sockets were closed: {end['cut']}"
    finally:
        generator.end()
    by_process = {name: round(slope(counts[1:], values), 2) for name, values in memory.items()}
    return {
        "kb_per_socket": round(sum(by_process.values()), 2),
        "kb_by_process": by_process,
        "rss_kb": sum(values[-1] for values in memory.values()),
    }
