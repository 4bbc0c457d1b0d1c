"""Loads in a real engine: what the tables hold after edits, restarts, repeated and broken loads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse import migrations
from adapters.warehouse.clickhouse.engine import Engine, LockedError, rows
from adapters.warehouse.loading import journal, load, pack, plan
from adapters.warehouse.loading.checksum import checksum
from adapters.warehouse.loading.decode import decode
from adapters.warehouse.loading.journal import Done, Promise
from adapters.warehouse.loading.memory import Memory
from adapters.warehouse.settings import Target, Warehouse
from backbone import events as ev
from backbone.errors import InvalidInputError, UnavailableError
from tests.integration.warehouse.talks import EPOCH, Book, ask
from tests.unit.adapters.warehouse.test_fold import EXPECTED
from tests.unit.adapters.warehouse.timeline import CONV, entry, event, message, opened

SUM = "SELECT count(), groupBitXor(cityHash64(seq, id)) FROM events"


async def test_migrations_apply_once_and_leave_comments(engine: Engine) -> None:
    first = await engine.write(lambda client: migrations.migrate(client, ""))
    assert first == [m.name for m in await asyncio.to_thread(migrations.shipped)]
    assert await engine.write(lambda client: migrations.migrate(client, "")) == []
    bare = await ask(
        engine,
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = '' "
        "AND table NOT IN ('schema_migrations', 'schema_additions', 'cursors')"
        " UNION ALL SELECT table, name FROM system.columns WHERE database = 'bi' AND comment = ''",
    )
    assert bare == []


async def test_an_addition_that_an_earlier_version_kept_with_the_migrations_is_moved(tables: Engine) -> None:
    """There it kept every version out that didn't know it."""
    [addition, *_] = [m for m in await asyncio.to_thread(migrations.shipped) if m.is_additive]

    def as_it_was(client: Client) -> None:
        client.command("TRUNCATE TABLE schema_additions SYNC")
        row = [addition.number, addition.name, addition.checksum]
        client.insert("schema_migrations", [row], column_names=["number", "name", "checksum"])

    await tables.write(as_it_was)
    assert await tables.write(lambda client: migrations.migrate(client, "")) == []
    left = await ask(tables, "SELECT max(number) FROM schema_migrations")
    assert left == [(addition.number - 1,)]
    assert await ask(tables, "SELECT number FROM schema_additions FINAL ORDER BY number LIMIT 1") == [
        (addition.number,)
    ]


async def test_an_addition_of_a_newer_version_keeps_nobody_out(tables: Engine) -> None:
    newer = "INSERT INTO schema_additions (number, name, checksum) VALUES (99, '0099_add.sql', 'x')"
    await tables.write(lambda client: client.command(newer))
    try:
        assert await tables.write(lambda client: migrations.migrate(client, "")) == []
        assert await tables.read(migrations.look) == ""
    finally:
        await tables.write(
            lambda client: client.command(
                "DELETE FROM schema_additions WHERE number = 99", settings={"mutations_sync": 2}
            )
        )


async def test_a_changed_migration_stops_the_process_before_anything_else(tables: Engine) -> None:
    await tables.write(
        lambda client: client.command("INSERT INTO schema_migrations (number, checksum) VALUES (1, 'other')")
    )
    with pytest.raises(migrations.SchemaError):
        await tables.write(lambda client: migrations.migrate(client, ""))


async def test_bytes_come_back_unchanged_and_the_checksum_is_the_engines(tables: Engine) -> None:
    events = [opened(1), message(2, "visitor", text="你好 \u0000 '\\ \U0001f600")]
    seqs = await Book(tables).add(events)
    found = await tables.read(
        lambda client: rows(
            client, "SELECT seq, raw FROM events FINAL ORDER BY seq", {}, column_formats={"raw": "bytes"}
        )
    )
    assert [(seq, raw) for seq, raw in found] == [(s, ev.encode(e)) for s, e in zip(seqs, events, strict=True)]
    expected = checksum(seqs, [bytes.fromhex(e.id.replace("-", "")) for e in events])
    assert await ask(tables, SUM) == [(2, expected)]
    assert await ask(tables, "SELECT count, checksum FROM loads WHERE state = 'done'") == [(2, expected)]


async def test_unreadable_bytes_get_a_row_too(tables: Engine) -> None:
    await Book(tables).load([entry(opened(1), 1), entry(message(2, "visitor"), 2, raw=b"\xff\x00 not json")])
    assert await ask(tables, "SELECT seq, type, hex(raw) FROM events ORDER BY seq DESC LIMIT 1") == [
        (2, "unknown", b"\xff\x00 not json".hex().upper())
    ]


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("loads", [pytest.param(1, marks=pytest.mark.rest), 3])
async def test_rows_of_conversations_hold_the_numbers_of_the_definitions(tables: Engine, name: str, loads: int) -> None:
    timeline, expected = EXPECTED[name]
    events, book = timeline(), Book(tables)
    size = -(-len(events) // loads)
    for start in range(0, len(events), size):
        await book.add(events[start : start + size])
        book.forget()  # each load as after a restart: the past is read from the table
    columns = list(expected)
    found = await ask(tables, f"SELECT {', '.join(columns)} FROM conversations FINAL")
    assert dict(zip(columns, found[0], strict=True)) == expected


async def test_an_edit_long_after_finds_its_message_and_a_recall_empties_it(tables: Engine) -> None:
    first, second = message(5, "agent", text="first"), message(6, "agent", text="other")
    book = Book(tables)
    await book.add([opened(1), first, second])
    book.forget()
    await book.add([event(ev.MessageEdited, 50, "agent", target=first.id, text="better")])
    await book.add([event(ev.MessageRecalled, 60, "agent", target=second.id)])
    await book.add([event(ev.MessageEdited, 70, "agent", target="no-such-id", text="lost")])
    found = await ask(tables, "SELECT text, recalled, toUnixTimestamp64Milli(at) FROM messages FINAL ORDER BY at")
    assert found == [("better", 0, 5), ("", 1, 6)]


async def test_an_edit_in_a_later_month_stays_in_the_month_of_its_message(tables: Engine) -> None:
    said, book = message(5, "agent", text="first"), Book(tables)
    await book.add([opened(1), said], stored_ms=1_764_000_000_000)
    await book.add([event(ev.MessageEdited, 9, "agent", target=said.id, text="later")], stored_ms=1_767_000_000_000)
    assert await ask(tables, "SELECT uniqExact(toYYYYMM(stored_at)), count() FROM messages") == [(1, 2)]
    assert await ask(tables, "SELECT text FROM messages FINAL") == [("later",)]


async def test_each_month_is_a_load_of_its_own(tables: Engine) -> None:
    november, december = 1_764_000_000_000, 1_765_000_000_000
    await Book(tables).load([entry(opened(1), 1, november), entry(message(2, "visitor"), 2, december)])
    assert await ask(tables, "SELECT load, ranges[1].3, count FROM loads WHERE state = 'done' ORDER BY load") == [
        (1, 1, 1),
        (2, 2, 1),
    ]


def promised(events: list[Any]) -> load.Load:
    """Load 1 of some events, begun by a loader that died."""
    decoded = [decode(entry(one, n), EPOCH) for n, one in enumerate(events, start=1)]
    ranges = plan.ranges(decoded)
    return load.Load(Promise("main", 1, 1, ranges), decoded, plan.advance({}, ranges), 1, is_promised=True)


async def again(tables: Engine, one: load.Load) -> None:
    await tables.write(lambda client: load.perform(client, one, Memory(10), lambda *_: False, 0))


async def test_a_token_that_outlived_its_rows_loses_nothing(tables: Engine) -> None:
    """What a kill between the deduplication log and the commit leaves: a known token, and no rows."""
    one = promised([opened(1), message(2, "visitor")])
    mark = {"insert_deduplication_token": plan.token(one.promise.ranges, "events")}
    stray = pack.events_table([decode(entry(message(9, "agent"), 99), EPOCH)], [0], 0)
    await tables.write(lambda client: client.insert_arrow("events", stray, settings=mark))
    await tables.write(lambda client: journal.begin(client, one.promise))
    await again(tables, one)
    assert await ask(tables, "SELECT seq FROM events WHERE seq < 99 ORDER BY seq") == [(1,), (2,)]


@pytest.mark.parametrize("repeats", [1, 3])
async def test_a_load_done_over_again_leaves_each_row_once(tables: Engine, repeats: int) -> None:
    events = [opened(1), message(2, "visitor"), message(3, "agent")]
    one = promised(events)
    await tables.write(
        lambda client: load.perform(client, one._replace(is_promised=False), Memory(10), lambda *_: False, 0)
    )
    for _ in range(repeats):
        await again(tables, one)
    assert await ask(tables, "SELECT count() FROM events") == [(3,)]
    assert await ask(tables, "SELECT count() FROM messages FINAL") == [(2,)]
    assert await ask(tables, "SELECT messages_visitor, messages_agent FROM conversations FINAL") == [(1, 1)]


async def test_a_replay_from_zero_with_other_bounds_is_harmless_to_readers(tables: Engine) -> None:
    events = [opened(1), *(message(n, "visitor") for n in range(2, 12))]
    await Book(tables).add(events)
    whole = await ask(tables, SUM + " FINAL")
    other = Book(tables)
    for one in events:
        await other.add([one])
    assert await ask(tables, SUM + " FINAL") == whole
    assert await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(10,)]


async def test_a_loader_with_an_older_lease_stops_before_it_writes(tables: Engine) -> None:
    newer = Promise("main", 1, 9, (plan.Range("03", EPOCH, 1, 1),))
    await tables.write(lambda client: journal.begin(client, newer))
    one = promised([opened(1)])._replace(is_promised=False)
    with pytest.raises(load.FencedError):
        await again(tables, one)
    assert await ask(tables, "SELECT count() FROM events") == [(0,)]


async def test_the_journal_says_where_to_go_on(tables: Engine) -> None:
    first = Promise("main", 1, 1, (plan.Range("03", EPOCH, 1, 5),))
    second = Promise("main", 2, 1, (plan.Range("03", EPOCH, 6, 9), plan.Range("04", EPOCH, 1, 1)))
    assert await tables.write(lambda client: journal.newest_done(client, "main")) == Done(0, {}, 0, 0)
    done = Done(1, {"03": plan.Place(EPOCH, 5)}, 77, 44)
    await tables.write(lambda client: journal.begin(client, first))
    await tables.write(lambda client: journal.finish(client, first, journal.Totals(5, 1), done))
    await tables.write(lambda client: journal.begin(client, second))
    assert await tables.write(lambda client: journal.newest_done(client, "main")) == done
    assert await tables.write(lambda client: journal.unfinished(client, "main", 1)) == [journal.Begun(2, second.ranges)]
    assert await tables.write(lambda client: journal.newest_done(client, "other")) == Done(0, {}, 0, 0)
    assert await ask(tables, "SELECT stream, epoch, seq FROM cursors") == [("03", EPOCH, 5)]


async def test_mere_messages_reach_their_conversation_late_but_surely(tables: Engine) -> None:
    book = Book(tables)
    await book.add([opened(1), message(2, "visitor")], stored_ms=1_000)
    await book.add([message(3, "visitor")], stored_ms=2_000)
    assert await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(1,)]
    assert await ask(
        tables, "SELECT toUnixTimestamp64Milli(unwritten_since) FROM loads WHERE load = 2 AND state = 'done'"
    ) == [(2_000,)]
    assert await tables.write(lambda client: load.moved_since(client, 2_000)) == [("main", CONV)]
    assert await book.write_due(7_000) == 1
    assert await ask(tables, "SELECT messages_visitor FROM conversations FINAL") == [(2,)]


async def test_a_reader_may_not_write_and_not_ask_for_everything(tables: Engine) -> None:
    with pytest.raises(UnavailableError, match="readonly"):
        await ask(tables, "INSERT INTO events (seq) VALUES (1)")
    with pytest.raises(UnavailableError, match="readonly"):
        await ask(tables, "SET max_rows_to_read = 0")
    with pytest.raises(InvalidInputError) as refused:
        await ask(tables, "SELECT number FROM system.numbers LIMIT 100000000")
    assert refused.value.code == "warehouse.too_wide"


async def test_what_comes_too_late_isnt_started(tables: Engine) -> None:
    with pytest.raises(UnavailableError) as refused:
        await tables.read(lambda client: rows(client, "SELECT 1", {}), deadline=0.0)
    assert refused.value.code == "warehouse.late"


@pytest.mark.parametrize("where", ["embedded"], indirect=True)
def test_a_directory_has_one_process(engine: Engine, where: Target, settings: Warehouse) -> None:
    with pytest.raises(LockedError):
        Engine(where, settings)
    other = (
        "from adapters.warehouse import offline; from backbone.errors import TrunklineError\n"
        "import sys\n"
        "try: offline.query(sys.argv[1], 'SELECT 1')\n"
        "except TrunklineError as refused: print(refused.code)"
    )
    said = subprocess.run(
        [sys.executable, "-c", other, where.dsn], capture_output=True, text=True, check=True, timeout=30
    )
    assert said.stdout.strip() == "warehouse.locked"


@pytest.mark.parametrize("where", ["embedded"], indirect=True)
def test_what_a_killed_process_left_in_the_scratch_folder_is_swept(where: Target, settings: Warehouse) -> None:
    scratch = Path(where.path) / "inserts"
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "tmp1.raw").write_bytes(b"x")
    Engine(where, settings).close()
    assert list(scratch.iterdir()) == []
