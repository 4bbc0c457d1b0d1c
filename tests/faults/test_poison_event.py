"""Something that isn't an event stands in the log: it is told of, and everything behind and beside it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.streams import DEAD
from backbone.nats.wire.header import header_block
from tests.harness.series import series
from tests.harness.system import LIN, System, running_system
from trunkline.connect import connected

POISON = [
    b"not json",
    b"\xff\xfe\x00",
    b"{}",
    b"[]",
    b'{"type":"message.added","id":5}',
    b"null",
    b'{"type":"x.y","id":"',
]


@pytest.mark.timeout(120)
def test_the_others_go_on_and_it_is_in_dead_with_its_reason(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=1, adapters=("routing", "warehouse"), agents=(LIN,)) as system:
        asyncio.run(_poison(system))
        for process in (*system.nodes, *system.adapters.values()):
            assert process.ready()[0] == 200, process.tail()
        for name, adapter in system.adapters.items():
            assert 0 < series(adapter.health).value("trunkline_dead_letters_total", adapter=name) <= len(POISON)


async def _poison(system: System) -> None:
    async with system.visitor().running() as visitor, system.agent(LIN).running() as agent:
        first = await visitor.send("before")
        conv = str(first["conv"])
        for client in (visitor, agent):
            await client.subscribe(conv)
        await _until_assigned(agent, conv)
        async with connected(system.common, "test") as link:
            for number, payload in enumerate(POISON):
                await _publish(link, subjects.chat("main", "web", conv), payload, number)
            last = await visitor.send("after", conv)
            async with asyncio.timeout(30):
                for client in (visitor, agent):
                    while (mark := client.conversations[conv].mark) is None or mark[1] < last["seq"]:
                        await asyncio.sleep(0.02)
            # A reader who comes later steps over it as well.
            async with system.agent(LIN).running() as later:
                known = await later.subscribe(conv)
                assert [e.event["text"] for e in known.events if e.event["type"] == "message.added"] == [
                    "before",
                    "after",
                ]
            # Another conversation is opened, given to somebody and resolved.
            async with system.visitor().running() as other:
                second = str((await other.send("meanwhile"))["conv"])
                await agent.subscribe(second)
                await _until_assigned(agent, second)
                await agent.act(second, "resolve")
            for adapter in ("routing", "warehouse"):
                await _until_dead(link, adapter, len(POISON))
    assert [e.event["text"] for e in visitor.conversations[conv].events if "text" in e.event] == ["before", "after"]


async def _publish(link: Link, subject: str, payload: bytes, number: int) -> None:
    answer = await link.request_raw(subject, payload, header_block(("Nats-Msg-Id", f"poison-{number}")))
    assert b'"seq"' in answer.data, answer


async def _until_assigned(agent: object, conv: str) -> None:
    async with asyncio.timeout(30):
        while not any(e.event["type"] == "conversation.assigned" for e in agent.conversations[conv].events):  # type: ignore[attr-defined]
            await asyncio.sleep(0.02)


async def _until_dead(link: Link, adapter: str, most: int) -> None:
    """Each adapter has told of what it couldn't read; what is JSON with a type of its own it may know how to skip."""
    async with asyncio.timeout(30):
        while True:
            info = await link.api(f"STREAM.INFO.{DEAD}", {"subjects_filter": subjects.dead("main", adapter)})
            count = sum((info["state"].get("subjects") or {}).values())
            if 0 < count <= most:
                break
            await asyncio.sleep(0.1)
    found = await link.api(f"STREAM.MSG.GET.{DEAD}", {"last_by_subj": subjects.dead("main", adapter)})
    assert msgspec.json.encode(found["message"])
