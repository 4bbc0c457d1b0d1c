"""A visitor with two tabs, each on its own node, who writes in both at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.log import assert_saw_the_log, assert_stored_once, stored_events
from tests.harness.system import System, running_system

VISITORS = 10
MORE = 5


@pytest.mark.timeout(120)
def test_both_tabs_have_one_conversation(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=2) as system:
        asyncio.run(_all(system))


async def _all(system: System) -> None:
    for _ in range(VISITORS):
        await _one(system)


async def _one(system: System) -> None:
    left = system.visitor(nodes=[system.nodes[0]])
    right = system.visitor(nodes=[system.nodes[1]], token=left.token)
    async with left.running(), right.running():
        first = await asyncio.gather(left.send("左边"), right.send("右边"))
        assert len({ok["conv"] for ok in first}) == 1, first
        conv = str(first[0]["conv"])
        await asyncio.gather(left.subscribe(conv), right.subscribe(conv))
        tabs = {"左": left, "右": right}
        more = await asyncio.gather(*(tab.send(f"{side} {n}", conv) for side, tab in tabs.items() for n in range(MORE)))
        log = await stored_events(system, conv)
        async with asyncio.timeout(30):
            while any(tab.conversations[conv].mark[1] < log[-1].seq for tab in tabs.values()):  # type: ignore[index]
                await asyncio.sleep(0.02)
    assert [e.event["type"] for e in log].count("conversation.opened") == 1
    assert log[0].event["type"] == "conversation.opened"
    assert_stored_once(log, [*first, *more])
    for tab in tabs.values():
        assert_saw_the_log(tab, conv, log, is_visitor=True)
