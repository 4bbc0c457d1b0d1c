"""Crowds that come and go at once, again and again: memory, descriptors and tasks come back to what they were."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.faults.raw import CLOSE, TEXT, Raw, frame, request
from tests.faults.rig import metric
from tests.harness.processes import PLAIN, Process
from tests.harness.system import INBOX, System
from trunkline import rest

TIMES = 5
AT_ONCE = 400
"""Handshakes in progress, so that the node's own bound isn't what is tried here."""

SOCKETS_A_VISITOR = 40
SOCKETS_AN_ADDRESS = 4000
BACK_WITHIN_S = 60.0
LOOK_S = 0.5
WITHIN = 1.10


class Figures(NamedTuple):
    """What a node holds."""

    sockets: float
    tasks: float
    fds: float
    rss_mib: float


@pytest.mark.timeout(120)
def test_a_small_crowd_leaves_nothing_behind(tmp_path: Path) -> None:
    _come_and_go(tmp_path, 600)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_thousand_come_and_go_five_times(tmp_path: Path) -> None:
    _come_and_go(tmp_path, 10_000)


def _come_and_go(folder: Path, crowd: int) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    system = System(folder)
    system.module = PLAIN
    system.more = {"TRUNKLINE_NODE_VISITORS_RATE": "60000"}
    try:
        system.start(nodes=1)
        asyncio.run(_storms(system.nodes[0], crowd))
    finally:
        system.end()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


async def _storms(node: Process, crowd: int) -> None:
    visitors = -(-crowd // SOCKETS_A_VISITOR)
    tokens = [(await asyncio.to_thread(rest.become_visitor, node.http, INBOX))[0] for _ in range(visitors)]
    # The first crowd is the baseline: what is loaded, cached and set aside once stays.
    found = []
    for _ in range(TIMES + 1):
        await _storm(node, tokens, crowd)
        found.append(await _at_rest(node))
    baseline, *others = found
    sys.stderr.write(f"\n{crowd} at once: {baseline} after the first, then {others}\n")
    for after in others:
        assert after.sockets == 0
        assert after.tasks <= baseline.tasks * WITHIN
        assert after.fds <= baseline.fds * WITHIN
        assert after.rss_mib <= baseline.rss_mib * WITHIN


async def _storm(node: Process, tokens: list[str], crowd: int) -> None:
    """All of them come, are greeted, and go at once: every second one without a word."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def come(number: int) -> Raw:
        async with gate:
            address = f"127.0.0.{2 + number // SOCKETS_AN_ADDRESS}"
            reader, writer = await asyncio.open_connection("127.0.0.1", node.port, local_addr=(address, 0))
            raw = Raw(reader, writer)
            await raw.send(request(node))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            hello = {"t": "hello", "token": tokens[number // SOCKETS_A_VISITOR]}
            await raw.send(frame(TEXT, msgspec.json.encode(hello)))
            welcome = msgspec.json.decode((await raw.receive(60)).payload)
            assert welcome["t"] == "welcome", welcome
            return raw

    async with asyncio.timeout(300):
        everybody = await asyncio.gather(*(come(number) for number in range(crowd)))
    assert await asyncio.to_thread(metric, node, "trunkline_node_sockets") == crowd
    for number, raw in enumerate(everybody):
        if number % 2:
            raw.writer.transport.abort()
        else:
            raw.writer.write(frame(CLOSE, b"\x03\xe8"))
            raw.writer.close()


async def _at_rest(node: Process) -> Figures:
    """Once nobody is there and nothing moves any more."""
    deadline = asyncio.get_running_loop().time() + BACK_WITHIN_S
    before, now = None, await _figures(node)
    while now.sockets or before is None or abs(before.rss_mib - now.rss_mib) > 1:
        assert asyncio.get_running_loop().time() < deadline, (before, now)
        await asyncio.sleep(LOOK_S)
        before, now = now, await _figures(node)
    return now


async def _figures(node: Process) -> Figures:
    def look() -> Figures:
        return Figures(
            metric(node, "trunkline_node_sockets"),
            metric(node, "trunkline_tasks"),
            metric(node, "process_open_fds"),
            round(metric(node, "process_resident_memory_bytes") / 2**20, 1),
        )

    return await asyncio.to_thread(look)
