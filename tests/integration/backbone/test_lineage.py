"""Nobody writes before it is known what log the server serves; and a log that is known begins no epoch for nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backbone import events as ev
from backbone.errors import UnavailableError
from backbone.ids import new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.epochs import Epochs, stream_state
from backbone.nats.lineage import SERVERS_MOST, Lineage, named_with
from backbone.nats.link import Link
from backbone.nats.reader import Reader
from backbone.nats.streams import SERVERS_KEY, chat_stream, ensure
from tests.harness.nats import NatsServer, running_nats

STREAMS = ["00", "01"]
CONV = "00" + "a" * 26
SUBJECT = subjects.chat("main", "web", CONV)


@pytest.fixture
def own_nats(tmp_path: Path) -> object:
    """A server that the test may kill."""
    with running_nats(tmp_path) as server:
        yield server


@asynccontextmanager
async def process(server: NatsServer, **how: bool) -> AsyncIterator[tuple[Link, Lineage, Log]]:
    """What a process has at hand: its connection, its lineage, and a log that is guarded by it."""
    link = Link()
    lineage = Lineage(link, STREAMS, new_event_id(), **{"may_begin": True, **how})
    log = Log(link)
    lineage.guard(log)
    await link.open(server.url, name="test", user=server.user, password=server.password)
    running = asyncio.create_task(lineage.run())
    try:
        yield link, lineage, log
    finally:
        running.cancel()
        await link.close()


def message() -> ev.MessageAdded:
    by = ev.Actor(kind="visitor", id="v")
    return ev.MessageAdded(id=new_event_id(), tenant="main", channel="web", conv=CONV, at=1, by=by, text="x")


async def epochs_of(link: Link) -> list[Epochs]:
    return [(await stream_state(link, chat_stream(s))).epochs for s in STREAMS]


async def prepare(server: NatsServer) -> None:
    link = Link()
    await link.open(server.url, name="init", user=server.user, password=server.password)
    await ensure(link, STREAMS)
    await link.close()


async def found_out_again(*lineages: Lineage) -> None:
    async with asyncio.timeout(10):
        while any(each.is_known for each in lineages):
            await asyncio.sleep(0)
        for each in lineages:
            await each.known()


async def restarted(server: NatsServer) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def test_a_server_that_init_has_seen_is_known_at_once(own_nats: NatsServer) -> None:
    await prepare(own_nats)
    async with process(own_nats) as (link, lineage, log), asyncio.timeout(1):
        await lineage.known()
        await log.publish(SUBJECT, message())
        assert [len(e.stretches) for e in await epochs_of(link)] == [1, 1]


async def test_nobody_knows_the_log_so_one_of_many_begins_an_epoch_before_anybody_writes(own_nats: NatsServer) -> None:
    await prepare(own_nats)
    async with process(own_nats) as (link, lineage, log):
        await lineage.known()
        await log.publish(SUBJECT, message())
        before = await epochs_of(link)
    await restarted(own_nats)
    async with process(own_nats) as one, process(own_nats) as two, process(own_nats, may_begin=False) as three:
        with pytest.raises(UnavailableError, match="looked at"):
            await one[2].publish(SUBJECT, message())
        async with asyncio.timeout(10):
            for _, lineage, _ in (one, two, three):
                await lineage.known()
        stored = [await log.publish(SUBJECT, message()) for _, _, log in (one, two, three)]
        after = await epochs_of(one[0])
    assert [place.seq for place in stored] == [2, 3, 4]
    assert after[0].stretches[:-1] == before[0].stretches, "what was stored before stays where it was"
    assert [e.stretches[-1][1] for e in after] == [2, 1]
    assert [len(e.stretches) for e in after] == [2, 1], "one epoch, and none for what never was"


async def test_the_first_process_of_a_machine_waits_for_no_witness(own_nats: NatsServer) -> None:
    await prepare(own_nats)
    await restarted(own_nats)
    async with process(own_nats, is_first=True) as (_, lineage, _), asyncio.timeout(1):
        await lineage.known()


async def test_who_has_read_to_the_end_vouches_and_no_epoch_begins(own_nats: NatsServer) -> None:
    await prepare(own_nats)
    async with process(own_nats) as (link, lineage, log), process(own_nats, may_begin=False) as (_, other, writer):
        await lineage.known()
        reader = Reader(link, dict.fromkeys(STREAMS, 1), lineage=lineage)
        await log.publish(SUBJECT, message())
        await reader.read()
        before = await epochs_of(link)
        await restarted(own_nats)
        await found_out_again(lineage, other)
        await writer.publish(SUBJECT, message())
        assert await epochs_of(link) == before
        assert [e.epoch for e in await reader.read()] == [before[0].now]
        async with process(own_nats) as (_, young, _), asyncio.timeout(1):
            await young.known()
        await reader.close()


async def test_a_witness_finds_a_log_that_went_back_and_begins_its_epoch(own_nats: NatsServer, tmp_path: Path) -> None:
    """The others write only then, though they have seen nothing of what was lost."""
    await prepare(own_nats)
    async with process(own_nats) as (link, lineage, log), process(own_nats, may_begin=False) as (_, other, writer):
        await lineage.known()
        reader = Reader(link, dict.fromkeys(STREAMS, 1), lineage=lineage)
        await log.publish(SUBJECT, message())
        await reader.read()
        own_nats.stop()
        shutil.copytree(tmp_path / "nats", tmp_path / "copy")
        own_nats.start()
        await found_out_again(lineage, other)
        lost = await log.publish(SUBJECT, message())
        await reader.read()
        before = await epochs_of(link)
        own_nats.kill()
        shutil.rmtree(tmp_path / "nats")
        (tmp_path / "copy").rename(tmp_path / "nats")
        own_nats.start()
        await found_out_again(lineage, other)
        anew = await writer.publish(SUBJECT, message())
        after = await epochs_of(link)
        assert anew.seq == lost.seq
        assert after[0].stretches[-1] == (after[0].now, lost.seq)
        assert after[0].now > before[0].now
        assert not after[0].holds(before[0].now, lost.seq)
        await reader.close()


def test_a_stream_names_only_so_many_servers() -> None:
    named = ""
    for n in range(SERVERS_MOST + 5):
        named = named_with(named.split(","), f"S{n}")
    assert named.split(",") == [f"S{n}" for n in range(5, SERVERS_MOST + 5)]
    assert named_with(["A", "B"], "A") == "B,A"


async def test_the_metadata_keeps_its_other_words(own_nats: NatsServer) -> None:
    await prepare(own_nats)
    await restarted(own_nats)
    async with process(own_nats, is_first=True) as (link, lineage, _):
        await lineage.known()
        config = (await link.api(f"STREAM.INFO.{chat_stream('00')}", {}))["config"]
        assert link.server_id in config["metadata"][SERVERS_KEY].split(",")
        assert config["republish"]
        assert config["allow_atomic"]
