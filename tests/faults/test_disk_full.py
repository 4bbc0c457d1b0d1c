"""The log has no room: posts are refused at once with a stable code, nothing is acknowledged, and then it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from backbone.nats.streams import chat_stream
from tests.harness.log import assert_saw_the_log, assert_stored_once, stored_events
from tests.harness.system import System, running_system
from trunkline.client import RefusedError
from trunkline.connect import connected

ROOM_BYTES = 20_000
LINE = "x" * 500
REFUSED_WITHIN_S = 10.0


@pytest.mark.timeout(120)
def test_refused_while_it_is_full_and_stored_once_there_is_room(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=1) as system:
        asyncio.run(_fill(system))


async def _fill(system: System) -> None:
    async with system.visitor().running() as visitor:
        acknowledged = [await visitor.send("begin")]
        conv = str(acknowledged[0]["conv"])
        await visitor.subscribe(conv)
        await _limit(system, conv, ROOM_BYTES)
        refusal = None
        for _ in range(ROOM_BYTES // len(LINE)):
            try:
                async with asyncio.timeout(REFUSED_WITHIN_S):
                    acknowledged.append(await visitor.send(LINE, conv))
            except RefusedError as refused:
                refusal = refused
                break
        assert refusal is not None, "the stream never got full"
        assert refusal.code == "log.full"
        full = await stored_events(system, conv)
        with pytest.raises(RefusedError):
            await asyncio.wait_for(visitor.send(LINE, conv), REFUSED_WITHIN_S)
        assert await stored_events(system, conv) == full
        await _limit(system, conv, -1)
        acknowledged.append(await visitor.send("there is room", conv))
        log = await stored_events(system, conv)
        async with asyncio.timeout(30):
            while (mark := visitor.conversations[conv].mark) is None or mark[1] < log[-1].seq:
                await asyncio.sleep(0.02)
    assert_stored_once(log, acknowledged)
    assert_saw_the_log(visitor, conv, log, is_visitor=True)
    assert log[-1].event["text"] == "there is room"


async def _limit(system: System, conv: str, most_bytes: int) -> None:
    """The stream of a conversation takes so much and no more (discard: new)."""
    async with connected(system.common, "test") as link:
        stream = chat_stream(conv[:2])
        config: dict[str, Any] = (await link.api(f"STREAM.INFO.{stream}", {}))["config"]
        assert config["discard"] == "new"
        await link.api(f"STREAM.UPDATE.{stream}", {**config, "max_bytes": most_bytes})
