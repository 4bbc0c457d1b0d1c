"""As many sockets as there are, each with a conversation attached, while some of them talk.

A process may open so many files and no more: sockets are spread over nodes and generators by that limit.
"""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import fill, machine, variables
from tests.bench.loadgen.handle import Generator
from tests.bench.memory import rss_kb
from tests.bench.progress import say
from tests.bench.racing import WARM_UP_S, brief, trust
from tests.bench.systems import Product, raise_limits, running_product

SOCKETS = 60_000
TALKING = 500
"""Conversations in which somebody writes; each has two sockets."""

RATE = 500.0
MOST_A_NODE = 17_000
SPARE_FILES = 2_000


def measure() -> dict[str, Any]:
    """Memory of all nodes and nats-server at so many sockets, and latency of 500 messages a second among them."""
    sockets = variables.number("SOCKETS", SOCKETS)
    most = min(MOST_A_NODE, raise_limits() - SPARE_FILES)
    silent = sockets - 2 * TALKING
    processes = max(2, math.ceil(sockets / most))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_product(Path(folder), "fast", nodes=processes, fill=fill.with_people(silent)) as product,
    ):
        target = product.target()
        generators = [Generator(target) for _ in range(processes)]
        try:
            return _measure(product, generators, silent)
        finally:
            for generator in generators:
                generator.end()


def _measure(product: Product, generators: list[Generator], silent: int) -> dict[str, Any]:
    pids = product.pids()
    say(f"pids {pids}")
    began = time.monotonic()
    _attach(generators, silent)
    talking = generators[0]
    talking.ask("open", conversations=TALKING)
    opened_s = time.monotonic() - began
    say(f"{silent} silent sockets and {2 * TALKING} that talk, open after {opened_s:.0f} s")
    before = _cpu(generators)
    result = talking.ask(
        "post",
        rate=variables.fixed_rate() or RATE,
        seconds=variables.duration_s(),
        warm_up_s=WARM_UP_S,
        pids=list(pids.values()),
    )
    spent = [after - cpu for after, cpu in zip(_cpu(generators), before, strict=True)]
    shares = [cpu / (variables.duration_s() + WARM_UP_S) for cpu in spent]
    result["cpu_us"] = {
        name: round(result["cpu_s"][str(pid)] / result["messages"] * 1e6, 1) for name, pid in pids.items()
    }
    say(brief(result))
    held = [generator.ask("sockets") for generator in generators]
    memory = {name: rss_kb(pid) for name, pid in pids.items()}
    cut = {why: n for each in held for why, n in each["cut"].items()}
    total = sum(each["sockets"] for each in held)
    return {
        "race": "crowd",
        "profile": "fast",
        "sockets": total,
        "rate": result["rate"],
        "seconds": variables.duration_s(),
        "opened_s": round(opened_s, 1),
        **{key: result[key] for key in ("p50_ms", "p99_ms", "p999_ms", "max_ms")},
        "cpu_cores": round(sum(result["cpu_s"].values()) / result["took_s"], 2),
        "rss_kb": sum(memory.values()),
        "rss_kb_by_process": memory,
        "kb_per_socket": round(sum(memory.values()) / total, 2),
        **trust(max(*shares, result["loadgen_cpu"]), [result | {"cut": cut}]),
    }


def _attach(generators: list[Generator], silent: int) -> None:
    """Each generator its part of the people, all of them at once; together they must not open more than there is."""
    parts = [silent * n // len(generators) for n in range(len(generators) + 1)]
    for generator, (begin, end) in zip(generators, itertools.pairwise(parts), strict=True):
        generator.tell("attach", begin=begin, end=end)
    for generator in generators:
        now = generator.hear()
        assert not now["cut"], now


def _cpu(generators: list[Generator]) -> list[float]:
    return [machine.cpu_s(generator.pid) for generator in generators]
