"""The loader over a real JetStream and a real chDB: goes on after every break, tells what it couldn't read."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.warehouse.asking import verify
from adapters.warehouse.clickhouse.engine import Engine
from adapters.warehouse.loading import journal, memory, plan
from adapters.warehouse.loading.journal import Promise
from adapters.warehouse.loading.loader import Loader
from adapters.warehouse.settings import Warehouse
from backbone import events as ev
from backbone.nats import cursors, epochs, subjects
from backbone.nats.leases import Lease
from backbone.nats.link import Link
from tests.harness.waiting import until
from tests.integration.warehouse.conftest import STREAMS
from tests.integration.warehouse.talks import ask, store
from tests.unit.adapters.warehouse.timeline import event, message, opened

SHARES_TABLES = True
CONVS = [s + "a" * 26 for s in STREAMS]
SOON_MS = 200
"""After which a row that only counts is written, where a test waits for it."""


@asynccontextmanager
async def loading(link: Link, engine: Engine, settings: Warehouse) -> AsyncIterator[Loader]:
    """A loader at work; left in order at the end."""
    loader = Loader(link, engine, settings, Lease(link, f"warehouse.{settings.group}", "test", settings.lease_s))
    running = asyncio.create_task(loader.run())
    try:
        yield loader
        await loader.leave()
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def loaded(engine: Engine, count: int) -> None:
    async def has_all() -> bool:
        return await ask(engine, "SELECT sum(count) FROM loads WHERE state = 'done'") == [(count,)]

    await until(has_all, f"{count} events loaded")


async def equal(link: Link, engine: Engine) -> bool:
    verdicts = [await verify.compare(link, engine, verify.VerifyRequest(s)) for s in STREAMS]
    return all(v.equal for v in verdicts)


def talk(conv: str, count: int, first: int = 2) -> list[Any]:
    return [message(n, "visitor", conv=conv, text=f"message {n}") for n in range(first, first + count)]


async def test_all_streams_arrive_and_the_cursors_are_told(link: Link, tables: Engine, settings: Warehouse) -> None:
    await store(link, [e for conv in CONVS for e in (opened(1, conv=conv), *talk(conv, 40))])
    async with loading(link, tables, settings) as loader:
        await loaded(tables, 123)
        assert await equal(link, tables)

        async def is_level() -> bool:
            return loader.lag_s() == 0

        await until(is_level, "nothing known is left")
    for s in STREAMS:
        kept = await cursors.get_cursor(link, "warehouse", s)
        state = await epochs.stream_state(link, f"CHAT_{s}")
        assert kept == cursors.Cursor(state.epochs.now, 41)


async def test_a_second_loader_goes_on_where_the_first_left(link: Link, tables: Engine, settings: Warehouse) -> None:
    conv = CONVS[0]
    await store(link, [opened(1, conv=conv), *talk(conv, 10)])
    async with loading(link, tables, settings):
        await loaded(tables, 11)
    await store(link, talk(conv, 10, first=20))
    async with loading(link, tables, settings):
        await loaded(tables, 21)
        assert await equal(link, tables)
    assert await ask(tables, "SELECT count(), countIf(prev != seq - 1) FROM events") == [(21, 0)]
    assert await ask(tables, "SELECT uniqExact(fence) FROM loads") == [(2,)]


async def test_an_unfinished_load_is_fetched_again_with_exactly_its_ranges(
    link: Link, tables: Engine, settings: Warehouse
) -> None:
    conv = CONVS[1]
    await store(link, [opened(1, conv=conv), *talk(conv, 30)])
    epoch = (await epochs.stream_state(link, "CHAT_01")).epochs.now
    promise = Promise(settings.group, 1, 0, (plan.Range("01", epoch, 1, 7),))
    await tables.write(lambda client: journal.begin(client, promise))
    async with loading(link, tables, settings):
        await loaded(tables, 31)
        assert await equal(link, tables)
    assert await ask(tables, "SELECT count, fence > 0 FROM loads WHERE load = 1 AND state = 'done'") == [(7, 1)]
    assert await ask(tables, "SELECT min(ranges[1].3) FROM loads WHERE load > 1") == [(8,)]


async def test_a_poison_event_stops_nothing_and_is_told(link: Link, tables: Engine, settings: Warehouse) -> None:
    conv = CONVS[0]
    await store(link, [opened(1, conv=conv)])
    await link.request_raw(subjects.chat("main", "web", conv), b'{"type":"message.added","text":5}')
    await store(link, talk(conv, 3))
    async with loading(link, tables, settings):
        await loaded(tables, 5)
        assert await equal(link, tables)
    assert await ask(tables, "SELECT type, raw FROM events WHERE seq = 2") == [
        ("unknown", '{"type":"message.added","text":5}')
    ]
    dead = await link.api("STREAM.MSG.GET.DEAD", {"last_by_subj": subjects.dead("main", "warehouse")})
    assert dead["message"]["subject"] == "dead.main.warehouse"
    assert (await link.api("STREAM.INFO.DEAD", {}))["state"]["messages"] == 1


async def test_a_stream_that_lost_its_tail_begins_another_epoch(
    link: Link, tables: Engine, settings: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "REWRITE_MS", SOON_MS)
    conv = CONVS[0]
    await store(link, [opened(1, conv=conv), *talk(conv, 5)])
    async with loading(link, tables, settings):
        await loaded(tables, 6)
    await forget_tail(link, "00", keep=3)
    async with loading(link, tables, settings):

        async def has_begun() -> bool:
            return len((await epochs.stream_state(link, "CHAT_00")).epochs.stretches) == 2

        await until(has_begun, "the loader noticed that the stream ends below its cursor")
        await store(link, talk(conv, 2, first=50))
        await loaded(tables, 8)
        assert await equal(link, tables)

        async def is_recounted() -> bool:
            # Five messages had been counted; two survived, two are new.
            return await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(4,)]

        await until(is_recounted, "the conversation was folded again without its lost tail")
    # The lost tail stands apart, under its own epoch; what came after names the survivors before it.
    assert await ask(tables, "SELECT uniqExact(epoch), count() FROM events") == [(2, 5)]
    assert await ask(tables, "SELECT uniqExact(epoch), count() FROM lost_events") == [(1, 3)]
    assert await ask(tables, "SELECT count() FROM messages FINAL") == [(4,)]
    assert await ask(
        tables, "SELECT seq, prev FROM events WHERE epoch = (SELECT max(epoch) FROM events) ORDER BY seq"
    ) == [
        (4, 3),
        (5, 4),
    ]


async def forget_tail(link: Link, s: str, keep: int) -> None:
    """The stream as an older copy of it is: with its first `keep` events only."""
    name = f"CHAT_{s}"
    info = await link.api(f"STREAM.INFO.{name}", {})
    kept = [(await link.api(f"STREAM.MSG.GET.{name}", {"seq": n}))["message"] for n in range(1, keep + 1)]
    await link.api(f"STREAM.DELETE.{name}", {})
    await link.api(f"STREAM.CREATE.{name}", info["config"])
    for one in kept:
        await link.request_raw(one["subject"], base64.b64decode(one["data"]))


async def test_a_stream_that_lost_its_tail_while_we_read_begins_another_epoch(
    link: Link, tables: Engine, settings: Warehouse
) -> None:
    conv = CONVS[0]
    await store(link, [opened(1, conv=conv), *talk(conv, 5)])
    async with loading(link, tables, settings):
        await loaded(tables, 6)
        await forget_tail(link, "00", keep=3)

        async def has_begun() -> bool:
            return len((await epochs.stream_state(link, "CHAT_00")).epochs.stretches) == 2

        await until(has_begun, "the reader noticed that the stream is an older one")
        await store(link, talk(conv, 2, first=50))
        await loaded(tables, 8)
        assert await equal(link, tables)
    assert await ask(
        tables, "SELECT seq, prev FROM events WHERE epoch = (SELECT max(epoch) FROM events) ORDER BY seq"
    ) == [
        (4, 3),
        (5, 4),
    ]


async def test_a_message_counts_in_its_conversation_though_nothing_follows(
    link: Link, tables: Engine, settings: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "REWRITE_MS", SOON_MS)
    conv = CONVS[2]
    await store(link, [opened(1, conv=conv), *talk(conv, 1)])
    async with loading(link, tables, settings):
        await loaded(tables, 2)
        await store(link, talk(conv, 1, first=9))
        await loaded(tables, 3)

        async def is_counted() -> bool:
            return await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(2,)]

        await until(is_counted, "the row was rewritten")


async def test_a_restart_writes_the_rows_that_the_one_before_still_owed(
    link: Link, tables: Engine, settings: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv = CONVS[2]
    await store(link, [opened(1, conv=conv), *talk(conv, 1)])
    async with loading(link, tables, settings):
        await loaded(tables, 2)
        await store(link, talk(conv, 1, first=9))
        await loaded(tables, 3)
    assert await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(1,)]
    monkeypatch.setattr(memory, "REWRITE_MS", SOON_MS)
    async with loading(link, tables, settings):

        async def is_counted() -> bool:
            return await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(2,)]

        await until(is_counted, "the row was rewritten")


async def test_what_is_owed_is_still_owed_after_a_load_done_over_again(
    link: Link, tables: Engine, settings: Warehouse
) -> None:
    conv = CONVS[2]
    await store(link, [opened(1, conv=conv), *talk(conv, 1)])
    async with loading(link, tables, settings):
        await loaded(tables, 2)
        await store(link, talk(conv, 1, first=9))
        await loaded(tables, 3)
    await store(link, [opened(20, conv=CONVS[0])])
    last = (await tables.write(lambda client: journal.newest_done(client, settings.group))).number
    epoch = (await epochs.stream_state(link, "CHAT_00")).epochs.now
    promise = Promise(settings.group, last + 1, 0, (plan.Range("00", epoch, 1, 1),))
    await tables.write(lambda client: journal.begin(client, promise))
    async with loading(link, tables, settings):
        await loaded(tables, 4)
    owed = f"SELECT unwritten_since > 0 FROM loads WHERE load = {last + 1} AND state = 'done'"
    counted = f"SELECT messages_visitor = 2 FROM conversations FINAL WHERE conversation = '{conv}'"
    assert [(1,)] in (await ask(tables, owed), await ask(tables, counted))


async def test_a_lost_lease_ends_the_loader(link: Link, tables: Engine, settings: Warehouse) -> None:
    loader = Loader(link, tables, settings, Lease(link, "warehouse.main", "one", settings.lease_s))
    running = asyncio.create_task(loader.run())
    await store(link, [opened(1, conv=CONVS[0])])
    await loaded(tables, 1)
    await link.request_raw("$KV.leases.warehouse.main", b'{"holder":"another"}')
    with pytest.raises(Exception, match="lease") as ended:
        await asyncio.wait_for(running, 30)
    assert ended.value.code == "warehouse.lease_lost"  # type: ignore[attr-defined]


async def test_verify_names_the_block_in_which_a_row_is_missing_or_changed(
    link: Link, tables: Engine, settings: Warehouse
) -> None:
    await store(link, [opened(1, conv=CONVS[0]), *talk(CONVS[0], 9)])
    async with loading(link, tables, settings):
        await loaded(tables, 10)
    assert await equal(link, tables)
    await tables.write(lambda client: client.command("DELETE FROM events WHERE seq = 4"))
    verdict = await verify.compare(link, tables, verify.VerifyRequest("00"))
    assert [(b.first, b.last, b.log_count, b.table_count, b.equal) for b in verdict.blocks] == [(1, 10, 10, 9, False)]
    part = await verify.compare(link, tables, verify.VerifyRequest("00", first=5))
    assert part.equal


async def test_an_edit_of_an_earlier_load_is_found_in_the_log_of_another_process(
    link: Link, tables: Engine, settings: Warehouse
) -> None:
    said = message(2, "agent", conv=CONVS[1], text="first")
    await store(link, [opened(1, conv=CONVS[1]), said])
    async with loading(link, tables, settings):
        await loaded(tables, 2)
    await store(link, [event(ev.MessageEdited, 3, "agent", conv=CONVS[1], target=said.id, text="second")])
    async with loading(link, tables, settings):
        await loaded(tables, 3)
    assert await ask(tables, "SELECT text FROM messages FINAL") == [("second",)]
