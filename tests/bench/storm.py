"""Everybody is cut off at once: both nodes killed by SIGKILL under 10,000 clients, started again at once.

Each client reconnects by the protocol's rule to one node or the other, resumes from its watermark and must have seen
the messages that were written to it meanwhile.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench import fill, machine, variables
from tests.bench.figures import histogram_of, told
from tests.bench.loadgen.handle import Generator
from tests.bench.progress import say
from tests.bench.racing import GENERATOR_MOST
from tests.bench.systems import Product, raise_limits, running_product

CLIENTS = 10_000
MISSED = 1
WITHIN_S = 120.0


def measure() -> dict[str, Any]:
    """Seconds from the kill until the last client has seen everything; how many were refused by a living node."""
    clients = variables.number("CLIENTS", CLIENTS)
    raise_limits()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_product(Path(folder), "fast", nodes=2, fill=fill.with_people(clients)) as product,
    ):
        generator = Generator(product.target())
        try:
            runs = [_storm(product, generator, clients, first=not n) for n in range(variables.runs())]
        finally:
            generator.end()
    runs.sort(key=lambda run: run["seconds"])
    median = runs[len(runs) // 2]
    return {
        "race": "storm",
        "profile": "fast",
        "sockets": clients,
        **median,
        "refused": max(run["refused"] for run in runs),
        "runs_s": [run["seconds"] for run in runs],
    }


def _storm(product: Product, generator: Generator, clients: int, *, first: bool) -> dict[str, Any]:
    if first:
        live = generator.ask("gather", begin=0, end=clients)["live"]
        assert live == clients, f"{live} of {clients} clients came in"
        say(f"{clients} clients are attached")
    generator.tell("wait", messages=MISSED, within_s=WITHIN_S)
    cpu_s, cut_at = machine.cpu_s(generator.pid), time.perf_counter()
    for node in product.nodes:
        node.kill()
    for node in product.nodes:
        node.start()
    with ThreadPoolExecutor(1) as beside:
        ready_at = beside.submit(_ready_at, product)
        fill.messages(product.nats, range(clients), MISSED)
    ready_s = ready_at.result() - cut_at
    found = generator.hear()
    share = (machine.cpu_s(generator.pid) - cpu_s) / (time.perf_counter() - cut_at)
    assert found["caught_up"] == clients, f"{clients - found['caught_up']} of {clients} didn't catch up: {found}"
    took = [at - cut_at for at in found["at"]]
    figures = told(histogram_of(took))
    refused = sum(found["refused"].values())
    say(f"last after {took[-1]:.2f} s, half after {figures['p50_ms'] / 1000:.2f} s; nodes ready after {ready_s:.2f} s")
    say(f"refused by a living node: {found['refused'] or 'none'}")
    return {
        "seconds": round(took[-1], 2),
        "p50_ms": figures["p50_ms"],
        "p99_ms": figures["p99_ms"],
        "nodes_ready_s": round(ready_s, 2),
        "refused": refused,
        "loadgen_cpu": round(share, 2),
        "void": share > GENERATOR_MOST,
    }


def _ready_at(product: Product) -> float:
    for node in product.nodes:
        node.wait_ready()
    return time.perf_counter()
