"""What a message costs beside 1,000,000 stored conversations, and beside 1,000: two systems of one run, in turn."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import fill, variables
from tests.bench.memory import rss_kb
from tests.bench.progress import say
from tests.bench.racing import WARM_UP_S, Racer, trust
from tests.bench.systems import raise_limits, running_product

CONVERSATIONS = 1_000_000
FEW = 1_000
TALKING = 1_000
RATE = 3000.0
RUNS = 3
RUN_S = 20.0


def measure() -> dict[str, Any]:
    """CPU of node and nats-server a message, P50 and P99 at one rate; `baseline` is the system with few."""
    raise_limits()
    many = variables.number("CONVERSATIONS", CONVERSATIONS)
    rate = variables.fixed_rate() or RATE
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        racers = {}
        for count in (FEW, many):
            say(f"storing {count} conversations")
            stored = fill.with_conversations(count)
            system = stack.enter_context(running_product(Path(folder) / str(count), "fast", fill=stored))
            racers[count] = Racer(system, rate)
            stack.callback(racers[count].generator.end)
            racers[count].open(TALKING)
        runs: dict[int, list[dict[str, Any]]] = {count: [] for count in racers}
        for _ in range(max(RUNS, variables.runs())):
            for count, racer in racers.items():
                runs[count].append(racer.run(rate, variables.duration_s(RUN_S), WARM_UP_S))
        memory = {count: rss_kb(racer.pids["nats"]) for count, racer in racers.items()}
    few, more = (_figures(runs[count]) for count in (FEW, many))
    generator = max(run["loadgen_cpu"] for run in runs[FEW] + runs[many])
    return {
        "race": "growth",
        "profile": "fast",
        "conversations": many,
        "rate": round(rate),
        "seconds": variables.duration_s(RUN_S),
        **more,
        "rss_kb": memory[many],
        "baseline": {"conversations": FEW, **few, "rss_kb": memory[FEW]},
        "ratio": round(statistics.median(_pairwise(few["spread_cpu_us"], more["spread_cpu_us"])), 3),
        **trust(generator, runs[FEW] + runs[many]),
    }


def _figures(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "p50_ms": statistics.median(run["p50_ms"] for run in runs),
        "p99_ms": statistics.median(run["p99_ms"] for run in runs),
        "spread_ms": [run["p99_ms"] for run in runs],
        "cpu_us": round(statistics.median(sum(run["cpu_us"].values()) for run in runs), 1),
        "spread_cpu_us": [round(sum(run["cpu_us"].values()), 1) for run in runs],
    }


def _pairwise(few: list[float], more: list[float]) -> list[float]:
    """Each run against the one before it on the other system, since hours differ more than systems do."""
    return [b / a for a, b in zip(few, more, strict=True)]
