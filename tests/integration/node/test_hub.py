"""The guard of the rooms, against a real log under load."""

from __future__ import annotations

import asyncio

import pytest

from backbone import events as ev
from backbone import subjects
from backbone.epochs import stream_state
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.streams import chat_stream
from node.hub import Hub
from tests.harness.system import System
from trunkline.connect import connected

pytestmark = pytest.mark.anyio

VISITOR = ev.Actor("visitor", "c" + "a" * 26)
LOOKS = 100


class Seen:
    """A viewer that keeps what it is given."""

    session = "test"
    is_visitor = False

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.anew = 0

    def push(self, _frame: bytes, seq: int) -> None:
        """In order."""
        self.seqs.append(seq)

    def push_signal(self, frame: bytes) -> None:
        """Nothing here."""

    def begin_again(self, _frame: bytes) -> None:
        """What was shown is gone."""
        self.anew += 1


async def test_what_comes_in_while_the_guard_asks_is_no_log_that_went_back(system: System) -> None:
    conv = conversation_id("main", "web", new_event_id(), ["00"])
    subject = subjects.chat("main", "web", conv)

    def message() -> ev.MessageAdded:
        return ev.MessageAdded(
            id=new_event_id(), tenant="main", channel="web", conv=conv, at=1, by=VISITOR, kind="text", text="x"
        )

    async with connected(system.common, "writer") as writer, connected(system.common, "hub") as link:
        log = Log(writer)
        await log.publish(subject, message())
        before = (await stream_state(link, chat_stream("00"))).epochs
        hub, seen, looked = Hub(link, Log(link)), Seen(), 0
        stored: list[int] = []

        async def write() -> None:
            while looked < LOOKS:
                stored.append((await log.publish(subject, message())).seq)

        async with hub.visit("main", conv) as room:
            room.viewers.add(seen)
            writing = asyncio.create_task(write())
            while looked < LOOKS:
                await hub.check_all()
                looked += 1
            await writing
            async with asyncio.timeout(5):
                while len(seen.seqs) < len(stored):
                    await asyncio.sleep(0.01)
            room.close()
        after = (await stream_state(link, chat_stream("00"))).epochs
    assert seen.seqs == stored
    assert (seen.anew, after) == (0, before)
