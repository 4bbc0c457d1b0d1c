"""The guard of the rooms, against a real log under load."""

from __future__ import annotations

import asyncio
import time

import pytest

from backbone import events as ev
from backbone.acks import LogEvent
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.epochs import stream_state
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream
from node.rooms.hub import IDLE_S, Hub
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


class Reading(Log):
    """A log that notes what it was asked to read."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.begun: list[int] = []

    async def replay(self, subject: str, after_seq: int, limit: int) -> tuple[list[LogEvent], bool]:
        """Notes where it begins."""
        self.begun.append(after_seq)
        return await super().replay(subject, after_seq, limit)


def message(conv: str) -> ev.MessageAdded:
    return ev.MessageAdded(
        id=new_event_id(), tenant="main", channel="web", conv=conv, at=1, by=VISITOR, kind="text", text="x"
    )


async def test_a_room_that_was_let_go_reads_on_from_where_it_was(system: System) -> None:
    conv = conversation_id("main", "web", "somebody", new_event_id(), ["00"])
    subject = subjects.chat("main", "web", conv)
    async with connected(system.common, "writer") as writer, connected(system.common, "hub") as link:
        log, read = Log(writer), Reading(link)
        for _ in range(600):
            last = (await log.publish(subject, message(conv))).seq
        hub = Hub(link, read)
        async with hub.visit("main", conv) as room:
            assert room.seq == last
        assert len(read.begun) > 1
        hub.let_idle_go(time.monotonic() + IDLE_S + 1)
        assert hub.rooms == 0
        last = (await log.publish(subject, message(conv))).seq
        read.begun.clear()
        async with hub.visit("main", conv) as again:
            assert (again.seq, again.head.n) == (last, room.head.n + 1)
            again.close()
        assert read.begun == [room.seq - 1]


async def test_what_comes_in_while_the_guard_asks_is_no_log_that_went_back(system: System) -> None:
    conv = conversation_id("main", "web", "somebody", new_event_id(), ["00"])
    subject = subjects.chat("main", "web", conv)

    async with connected(system.common, "writer") as writer, connected(system.common, "hub") as link:
        log = Log(writer)
        await log.publish(subject, message(conv))
        before = (await stream_state(link, chat_stream("00"))).epochs
        hub, seen, looked = Hub(link, Log(link)), Seen(), 0
        stored: list[int] = []

        async def write() -> None:
            while looked < LOOKS:
                stored.append((await log.publish(subject, message(conv))).seq)

        async with hub.visit("main", conv) as room:
            room.viewers.add(seen)
            writing = asyncio.create_task(write())
            while looked < LOOKS:
                await hub.check_all()
                looked += 1
            await writing
            async with asyncio.timeout(30):
                while len(seen.seqs) < len(stored):
                    await asyncio.sleep(0.01)
            room.close()
        after = (await stream_state(link, chat_stream("00"))).epochs
    assert seen.seqs == stored
    assert (seen.anew, after) == (0, before)
