"""Somebody comes back who missed 1,000 events: from `sub` to the last of them, on a new socket each time."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from tests.bench import fill, variables
from tests.bench.loadgen.handle import Generator
from tests.bench.population import CHANNEL, TENANT, conversation_of
from tests.bench.progress import say
from tests.bench.systems import raise_limits, running_product
from tests.harness.nats import NatsServer

EVENTS = 1000
OTHERS = 1000
TIMES = 30
PERSON = 0


def measure() -> dict[str, Any]:
    """Milliseconds, and those of reading the same events from the log with nothing in between."""
    events = variables.number("EVENTS", EVENTS)
    raise_limits()

    def people(nats: NatsServer) -> None:
        fill.with_people(OTHERS)(nats)
        fill.messages(nats, range(PERSON, PERSON + 1), events)

    with (
        tempfile.TemporaryDirectory() as folder,
        running_product(Path(folder), "fast", nodes=1, fill=people) as product,
    ):
        generator = Generator(product.target())
        try:
            found = generator.ask("replay", number=PERSON, missed=events, times=TIMES)
        finally:
            generator.end()
        bare_ms = asyncio.run(_bare(product.nats, events))
    took = sorted(found["took_ms"])
    median = statistics.median(took)
    say(f"first {found['took_ms'][0]:.1f} ms, median {median:.1f}, worst {took[-1]:.1f}; the log alone {bare_ms:.1f}")
    return {
        "race": "replay",
        "profile": "fast",
        "events": events,
        "ms": round(median, 1),
        "first_ms": round(found["took_ms"][0], 1),
        "max_ms": round(took[-1], 1),
        "with_connecting_ms": round(statistics.median(found["whole_ms"]), 1),
        "seconds": round(median / 1000, 4),
        "baseline": {"ms": round(bare_ms, 1)},
        "ratio": round(median / bare_ms, 2),
        "void": False,
    }


async def _bare(nats: NatsServer, events: int) -> float:
    link = Link()
    await link.open(nats.url, name="bench", user=nats.user, password=nats.password)
    log, subject, took = Log(link), subjects.chat(TENANT, CHANNEL, conversation_of(PERSON)), []
    for _ in range(TIMES):
        began = time.perf_counter()
        found = await log.replay_all(subject, 0, events + 2)
        took.append((time.perf_counter() - began) * 1000)
        assert len(found) == events + 2, f"{len(found)} of {events + 2} events are in the log"
    await link.close()
    return statistics.median(took)
