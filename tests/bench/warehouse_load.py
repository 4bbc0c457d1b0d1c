"""The warehouse's loader catching up with a log that is already full: events a second, CPU an event, memory at rest."""

from __future__ import annotations

import asyncio
import http.client
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from backbone.nats import streams
from backbone.nats.link import Link
from tests.bench import machine
from tests.faults import warehouse_traffic as traffic
from tests.harness.nats import NatsServer, running_nats
from tests.harness.processes import PLAIN, Process

EVENTS = 200_000
WARM_UP = 20_000
REST_S = 10.0
MOST_S = 300.0


def measure() -> dict[str, Any]:
    """Start, catch-up after the first 20,000 events, and memory 10 s after the start and after the catch-up."""
    with tempfile.TemporaryDirectory() as folder, running_nats(Path(folder)) as nats:
        asyncio.run(_streams(nats))
        process = Process(
            "warehouse",
            ["adapter", "warehouse"],
            {
                **nats.environment,
                "TRUNKLINE_WAREHOUSE_DSN": f"chdb://{folder}/warehouse",
                "TRUNKLINE_WAREHOUSE_LEASE_S": "2",
            },
            Path(folder),
            PLAIN,
        )
        try:
            first_s = _start(process)
            time.sleep(REST_S)
            empty = machine.memory_mb(process.pid)
            process.stop()
            asyncio.run(_publish(nats))
            later_s = _start(process)
            caught_up = _catch_up(process)
            time.sleep(REST_S)
            full = machine.memory_mb(process.pid)
        finally:
            process.end()
    return {
        "profile": "fast",
        "first_start_s": round(first_s, 2),
        "later_start_s": round(later_s, 2),
        **caught_up,
        "memory_empty_mb": empty,
        "memory_after_mb": full,
    }


def _start(process: Process) -> float:
    began = time.monotonic()
    process.start().wait_ready()
    return time.monotonic() - began


def _catch_up(process: Process) -> dict[str, Any]:
    _wait_for(process, WARM_UP)
    began, cpu_before, from_count = time.monotonic(), machine.cpu_s(process.pid), _loaded(process)
    _wait_for(process, EVENTS)
    took_s, cpu_s = time.monotonic() - began, machine.cpu_s(process.pid) - cpu_before
    count = EVENTS - from_count
    return {"events": count, "events_a_second": round(count / took_s), "cpu_us_an_event": round(cpu_s / count * 1e6, 1)}


def _wait_for(process: Process, count: int) -> None:
    deadline = time.monotonic() + MOST_S
    while _loaded(process) < count:
        assert time.monotonic() < deadline, "the loader didn't catch up"
        time.sleep(0.05)


def _loaded(process: Process) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = re.search(r"^trunkline_warehouse_events_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


async def _streams(nats: NatsServer) -> None:
    link = await _linked(nats)
    await streams.ensure(link, traffic.STREAMS)
    await link.close()


async def _publish(nats: NatsServer) -> None:
    link = await _linked(nats)
    await traffic.publish(link, traffic.make(EVENTS, seed=1))
    await link.close()


async def _linked(nats: NatsServer) -> Link:
    link = Link()
    await link.open(nats.url, name="bench", user=nats.user, password=nats.password)
    return link
