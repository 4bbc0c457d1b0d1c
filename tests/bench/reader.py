"""The reader's cost: CPU of this process per event read from the log, beside nats-py's own way of reading.

Events are stored first; reading then runs as fast as it can. Three runs each, the median is told.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from backbone import events as ev
from backbone.acks import Stored
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.reader import Reader
from backbone.nats.streams import ensure
from tests.harness.nats import NatsServer, running_nats

EVENTS = 50_000
RUNS = 3
STREAMS = ["00", "01", "02", "03"]
BY = ev.Actor("visitor", "c" + "a" * 26)
TEXT = "你好，我的订单什么时候到？" * 3


def measure() -> dict[str, Any]:
    """Microseconds of CPU and events a second, for the reader and for nats-py's ordered subscription."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nats(Path(folder)) as nats,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_measure(nats))


async def _measure(nats: NatsServer) -> dict[str, Any]:
    link = Link()
    await link.open(nats.url, name="bench", user=nats.user, password=nats.password)
    await ensure(link, STREAMS)
    await _store(link)
    ours = [await _read(link) for _ in range(RUNS)]
    theirs = [await _subscribe(link) for _ in range(RUNS)]
    await link.close()
    reader_us, plain_us = (statistics.median(us for us, _ in runs) for runs in (ours, theirs))
    return {
        "events": EVENTS,
        "reader_cpu_us": round(reader_us, 1),
        "reader_per_s": round(statistics.median(rate for _, rate in ours)),
        "nats_py_cpu_us": round(plain_us, 1),
        "ratio": round(reader_us / plain_us, 2),
    }


async def _store(link: Link) -> None:
    log = Log(link)
    stored = 0

    def done(outcome: object) -> None:
        nonlocal stored
        assert isinstance(outcome, Stored)
        stored += 1

    for number in range(EVENTS):
        while log.unacknowledged > 2000:
            await asyncio.sleep(0)
        conv = conversation_id("main", "web", "somebody", str(number % 1000), STREAMS)
        event = ev.MessageAdded(id=new_event_id(), tenant="main", channel="web", conv=conv, at=number, by=BY, text=TEXT)
        log.publish_soon(subjects.chat("main", "web", conv), event, done)
    while stored < EVENTS:
        await asyncio.sleep(0.01)


async def _read(link: Link) -> tuple[float, float]:
    cpu, began, count = time.process_time(), time.perf_counter(), 0
    reader = Reader(link, dict.fromkeys(STREAMS, 1))
    while count < EVENTS:
        count += len(await reader.read())
    result = _figures(cpu, began, count)
    await reader.close()
    return result


async def _subscribe(link: Link) -> tuple[float, float]:
    cpu, began, count = time.process_time(), time.perf_counter(), 0
    for s in STREAMS:
        subscription = await link.jetstream().subscribe(subjects.stream_subjects(s), ordered_consumer=True)
        left = (await link.api(f"STREAM.INFO.CHAT_{s}", {}))["state"]["messages"]
        while left:
            await subscription.next_msg(timeout=10)
            left -= 1
            count += 1
        await subscription.unsubscribe()
    return _figures(cpu, began, count)


def _figures(cpu: float, began: float, count: int) -> tuple[float, float]:
    return (time.process_time() - cpu) / count * 1e6, count / (time.perf_counter() - began)
