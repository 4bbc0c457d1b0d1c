"""Somebody who stops reading is closed with 4408, and has everything once they read again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.proxy import running_proxy
from tests.faults.rig import Wired, metric
from tests.harness.log import assert_saw_the_log, assert_stored_once, stored_events

LONG = "长" * 4000
MOST_LINES = 2000


@pytest.mark.timeout(120)
def test_closed_with_its_code_and_caught_up(tmp_path: Path) -> None:
    with running_proxy() as proxy:
        system = Wired(tmp_path, proxy)
        try:
            system.start(nodes=1)
            asyncio.run(_stop_reading(system))
        finally:
            system.end()


async def _stop_reading(system: Wired) -> None:
    node = system.nodes[0]
    wire = system.proxy.wire("slow-reader", ("127.0.0.1", node.port), window_bytes=8192)
    writer = system.visitor()
    reader = system.visitor(token=writer.token)
    reader.urls = [f"ws://127.0.0.1:{wire.port}/ws"]
    async with writer.running(), reader.running():
        acknowledged = [await writer.send("begin")]
        conv = str(acknowledged[0]["conv"])
        await reader.subscribe(conv)
        assert metric(node, "trunkline_node_sockets") == 2
        wire.stall("down")
        while metric(node, "trunkline_node_sockets") == 2:
            assert len(acknowledged) < MOST_LINES, "whoever doesn't read is never closed"
            acknowledged.append(await writer.send(LONG, conv))
        wire.heal()
        log = await stored_events(system, conv)
        async with asyncio.timeout(60):
            # The last line may have come before the close frame behind it.
            while (mark := reader.conversations[conv].mark) is None or mark[1] < log[-1].seq or not reader.close_code:
                await asyncio.sleep(0.02)
    assert reader.close_code == 4408
    assert_stored_once(log, acknowledged)
    assert_saw_the_log(reader, conv, log, is_visitor=True)
