"""The reader on a real nats-server: every event once, ascending, through lost connections."""

from __future__ import annotations

import asyncio

import pytest

from backbone.log import Log
from backbone.nats import epochs, subjects
from backbone.nats.link import Link
from backbone.nats.reader import Entry, Reader, read_range
from tests.harness.nats import NatsServer
from tests.integration.backbone.test_log import conversation, message

pytestmark = pytest.mark.anyio


async def write(link: Link, count: int, start: int = 0) -> None:
    log = Log(link)
    for number in range(start, start + count):
        conv = conversation(number % 7)
        await log.publish(subjects.chat("main", "web", conv), message(conv, str(number)))


async def read_until(reader: Reader, count: int) -> list[Entry]:
    found: list[Entry] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await reader.read()
    return found


def assert_whole(found: list[Entry], count: int) -> None:
    assert len(found) == count
    for s in {e.s for e in found}:
        sequences = [e.seq for e in found if e.s == s]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


async def test_reads_what_is_there_and_what_comes(link: Link) -> None:
    await write(link, 50)
    reader = Reader(link, {"00": 1, "01": 1})
    found = await read_until(reader, 50)
    await reader.caught_up()
    await write(link, 20, 50)
    found += await read_until(reader, 20)
    assert_whole(found, 70)
    assert reader.pending == 0
    await reader.close()


async def test_goes_on_where_it_was_after_the_server_was_killed(link: Link, nats: NatsServer) -> None:
    await write(link, 30)
    reader = Reader(link, {"00": 1, "01": 1})
    found = await read_until(reader, 30)
    nats.kill()
    async with asyncio.timeout(30):
        while link.is_usable:
            await asyncio.sleep(0.01)
    nats.start()
    async with asyncio.timeout(30):
        while not link.is_usable:
            await asyncio.sleep(0.01)
    await write(link, 30, 30)
    found += await read_until(reader, 30)
    assert_whole(found, 60)
    await reader.close()


async def test_never_buffers_more_than_its_bound(link: Link) -> None:
    await write(link, 120)
    reader = Reader(link, {"00": 1, "01": 1}, max_buffered=20)
    found: list[Entry] = []
    async with asyncio.timeout(30):
        while len(found) < 120:
            assert reader.buffered <= 20
            found += await reader.read(max_events=5)
    assert_whole(found, 120)
    await reader.close()


async def test_a_range_is_read_exactly(link: Link) -> None:
    await write(link, 60)
    found = await read_range(link, "00", 3, 11)
    assert [e.seq for e in found] == list(range(3, 12))
    assert await read_range(link, "00", 900, 910) == []


async def test_a_stream_made_anew_begins_another_epoch(link: Link) -> None:
    await write(link, 40)
    reader = Reader(link, {"00": 1})
    info = await link.api("STREAM.INFO.CHAT_00", {})
    # All of it: what is left would be taken for the other stream's.
    before = await read_until(reader, info["state"]["messages"])
    await link.api("STREAM.DELETE.CHAT_00", {})
    await link.api("STREAM.CREATE.CHAT_00", info["config"])
    async with asyncio.timeout(30):
        while True:
            config = (await link.api("STREAM.INFO.CHAT_00", {}))["config"]
            if "," in config["metadata"]["epoch"] or config["metadata"] != info["config"]["metadata"]:
                break
            await asyncio.sleep(0.05)
    await write(link, 40)
    after = await read_until(reader, 1)
    assert before[0].seq == 1
    assert after[0].seq == 1
    await reader.close()


@pytest.mark.parametrize("stored", [2, 5])
async def test_what_others_store_before_a_reader_finds_the_log_put_back_is_read(link: Link, stored: int) -> None:
    """Another process begins the new epoch and writes, fewer events than the reader had read or more."""
    conv = next(conv for conv in map(conversation, range(100)) if conv.startswith("00"))
    subject = subjects.chat("main", "web", conv)
    for number in range(6):
        await link.request_raw(subject, b"{}" + b" " * number)
    reader = Reader(link, {"00": 1})
    await read_until(reader, 6)
    known = reader.epochs["00"]
    await reader.close()
    config = (await link.api("STREAM.INFO.CHAT_00", {}))["config"]
    await link.api("STREAM.DELETE.CHAT_00", {})
    await link.api("STREAM.CREATE.CHAT_00", config)
    for _ in range(3):
        await link.request_raw(subject, b"{}")
    await epochs.begin(link, "CHAT_00", known.now, 6, known.now + 60)
    for _ in range(stored):
        await link.request_raw(subject, b"{}")
    examine = reader._feeds["00"]._examine
    assert await examine(await link.api("STREAM.INFO.CHAT_00", {}), 7) == 4
    assert reader.rolled_back.is_set()
