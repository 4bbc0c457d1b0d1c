"""Reports, search, history and SQL over a real engine: right figures, own tenant only, nothing reached outside."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from msgspec import structs

from adapters.warehouse.asking import functions, history, reports, search, sql
from adapters.warehouse.clickhouse.engine import Engine
from backbone import events as ev
from backbone.access import EVERYTHING, Scope
from backbone.errors import InvalidInputError, TrunklineError
from tests.integration.warehouse.talks import EPOCH, Book, ask
from tests.unit.adapters.warehouse.timeline import CONV, entry, event, message, opened

SHARES_TABLES = True
OTHER = "03" + "b" * 26
CANARY = "canary-of-acme"


def ms(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


async def overview(engine: Engine, tz: str, now_ms: int, tenant: str = "main") -> reports.Overview:
    request = reports.OverviewRequest(tz)
    return await engine.read(lambda client: reports.overview(client, tenant, request, now_ms, 99))


async def find(engine: Engine, q: str, tenant: str = "main", **more: Any) -> search.Hits:
    request = search.SearchRequest(q, **more)
    return await engine.read(lambda client: search.messages(client, tenant, request, 99))


async def texts(engine: Engine, q: str, tenant: str = "main") -> list[str]:
    return [hit.text for hit in (await find(engine, q, tenant)).items]


async def two_days(engine: Engine) -> None:
    """Yesterday one conversation was resolved; today one was opened and one of yesterday's answered."""
    book = Book(engine)
    a, b, c = CONV, OTHER, "03" + "c" * 26
    at = ms
    await book.add(
        [
            opened(at("2026-03-09T10:00:00"), conv=a),
            message(at("2026-03-09T10:00:00"), "visitor", conv=a),
            message(at("2026-03-09T10:01:00"), "agent", conv=a),
            event(ev.ConversationResolved, at("2026-03-09T10:05:00"), "agent", conv=a),
            opened(at("2026-03-09T23:59:00"), conv=b),
            message(at("2026-03-09T23:59:59"), "visitor", conv=b),
            message(at("2026-03-10T00:00:09"), "agent", conv=b),
            message(at("2026-03-10T00:00:10"), "agent", conv=b, note=True),
            message(at("2026-03-10T00:00:11"), "system", conv=b),
            opened(at("2026-03-10T08:30:00"), conv=c),
            message(at("2026-03-10T08:30:00"), "visitor", conv=c),
            message(at("2026-03-10T08:30:02"), "bot", conv=c),
            message(at("2026-03-10T08:30:30"), "agent", conv=c),
            event(ev.ConversationResolved, at("2026-03-10T08:40:00"), "agent", conv=c),
            opened(at("2026-03-10T09:00:00"), conv="03" + "d" * 26, tenant="acme"),
            message(at("2026-03-10T09:00:00"), "visitor", conv="03" + "d" * 26, tenant="acme"),
        ]
    )


async def test_today_counts_what_happened_between_two_midnights_of_the_zone(tables: Engine) -> None:
    await two_days(tables)
    day = await overview(tables, "Asia/Shanghai", ms("2026-03-10T12:00:00"))
    assert (day.day, day.opened, day.resolved, day.open) == ("2026-03-10", 1, 1, 1)
    assert (day.messages_in, day.messages_out) == (1, 3)
    assert (day.first_response_median_s, day.first_response_p90_s) == (20.0, 28.0)  # of 10 s and 30 s
    assert [(h.hour, h.messages_in, h.messages_out) for h in day.hours if h.messages_in or h.messages_out] == [
        (0, 0, 1),
        (8, 1, 2),
    ]
    assert len(day.hours) == 24
    assert day.as_of == 99


async def test_the_same_moment_is_another_day_elsewhere(tables: Engine) -> None:
    await two_days(tables)
    day = await overview(tables, "America/New_York", ms("2026-03-10T12:00:00"))
    assert day.day == "2026-03-10"
    day = await overview(tables, "America/New_York", ms("2026-03-10T11:59:59"))
    assert (day.day, day.opened, day.resolved) == ("2026-03-09", 2, 1)


async def test_another_tenants_day_is_its_own(tables: Engine) -> None:
    await two_days(tables)
    day = await overview(tables, "Asia/Shanghai", ms("2026-03-10T12:00:00"), "acme")
    assert (day.opened, day.open, day.messages_in, day.first_response_median_s) == (1, 1, 1, None)
    nobody = await overview(tables, "Asia/Shanghai", ms("2026-03-10T12:00:00"), "nobody")
    assert (nobody.opened, nobody.open, nobody.messages_in) == (0, 0, 0)


@pytest.mark.parametrize(("date", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
async def test_a_day_has_as_many_hours_as_the_zone_gives_it(tables: Engine, date: str, hours: int) -> None:
    noon = ms(f"{date}T12:00:00", "Europe/Berlin")
    day = await tables.read(lambda client: reports.day_of(client, "Europe/Berlin", noon))
    assert (day.date, (day.to_ms - day.from_ms) / 3_600_000) == (date, hours)


@pytest.mark.parametrize(
    "tz", ["", "Mars/Olympus", "UTC'); DROP TABLE events; --", "../etc/passwd", "Asia/" + "x" * 99]
)
async def test_an_unknown_zone_is_refused_by_name(tables: Engine, tz: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await overview(tables, tz, 0)
    assert (refused.value.code, refused.value.field) == ("warehouse.unknown_zone", "tz")


async def test_search_finds_words_of_both_scripts_whatever_their_width_or_case(tables: Engine) -> None:
    await Book(tables).add(
        [
            opened(1),
            message(2, "visitor", text="我要退款，订单 ABC12345", name="李雷"),
            message(3, "agent", text="请 退 款 吗"),
            message(4, "visitor", text="ＨＥＬＬＯ World"),
            message(5, "visitor", text="款退"),
        ]
    )
    assert await texts(tables, "退款") == ["请 退 款 吗", "我要退款，订单 ABC12345"]
    assert await texts(tables, "退款 abc12345") == ["我要退款，订单 ABC12345"]
    assert await texts(tables, "hello") == ["ＨＥＬＬＯ World"]
    assert await texts(tables, "12345") == []
    [hit] = (await find(tables, "订单")).items
    assert (hit.conv, hit.epoch, hit.at, hit.actor_kind, hit.contact_name) == (CONV, EPOCH, 2, "visitor", "李雷")


async def test_an_edited_message_is_found_by_its_new_words_and_a_recalled_one_by_none(tables: Engine) -> None:
    said, gone = message(2, "agent", text="apple"), message(3, "agent", text="cherry")
    book = Book(tables)
    await book.add([opened(1), said, gone])
    await book.add([event(ev.MessageEdited, 9, "agent", target=said.id, text="banana")])
    await book.add([event(ev.MessageRecalled, 9, "agent", target=gone.id)])
    assert (await texts(tables, "apple"), await texts(tables, "banana")) == ([], ["banana"])
    assert await texts(tables, "cherry") == []


async def test_pages_follow_one_another_without_a_gap_or_a_repeat(tables: Engine) -> None:
    same_time = [message(5, "visitor", text=f"word {n}") for n in range(7)]
    elsewhere = [message(5, "visitor", text=f"word x{n}", conv=OTHER) for n in range(7)]
    await Book(tables).add([opened(1), *same_time, opened(1, conv=OTHER), *elsewhere])
    seen: list[str] = []
    before: str | None = None
    for _ in range(10):
        hits = await find(tables, "word", before=before, limit=4)
        seen += [hit.text for hit in hits.items]
        before = hits.next
        if before is None:
            break
    assert sorted(seen) == sorted(m.text for m in [*same_time, *elsewhere])


async def test_no_search_and_no_history_shows_another_tenant(tables: Engine) -> None:
    await Book(tables).add([opened(1, tenant="acme"), message(2, "visitor", tenant="acme", text=CANARY)])
    assert await texts(tables, CANARY, "acme") == [CANARY]
    assert await texts(tables, CANARY, "main") == []
    request = history.HistoryRequest(CONV)
    assert len((await tables.read(lambda client: history.page(client, "acme", request))).events) == 2
    assert (await tables.read(lambda client: history.page(client, "main", request))).events == []


def _search(client: Client, scope: Scope) -> search.Hits:
    return search.messages(client, "main", search.SearchRequest("scoped"), 99, scope)


def _overview(client: Client, now_ms: int, scope: Scope) -> reports.Overview:
    return reports.overview(client, "main", reports.OverviewRequest("Asia/Shanghai"), now_ms, 99, scope)


async def test_what_lies_outside_a_scope_is_neither_found_nor_counted(tables: Engine) -> None:
    mine, ours, theirs = (f"03{letter * 26}" for letter in "efg")
    at = ms("2026-04-01T10:00:00")
    await Book(tables).add(
        [
            opened(at, conv=mine),
            event(ev.ConversationAssigned, at, "system", conv=mine, agent="li"),
            message(at, "visitor", conv=mine, text="scoped of mine"),
            opened(at, conv=ours),
            event(ev.ConversationAssigned, at, "system", conv=ours, agent="wu", team="sales"),
            message(at, "visitor", conv=ours, text="scoped of ours"),
            structs.replace(opened(at, conv=theirs), inbox="shop"),
            message(at, "visitor", conv=theirs, text="scoped of theirs"),
        ]
    )
    everything = {"scoped of mine", "scoped of ours", "scoped of theirs"}
    for scope, found in (
        (EVERYTHING, everything),
        (Scope(is_all=False, actor="li"), {"scoped of mine"}),
        (Scope(is_all=False, actor="li", teams=frozenset({"sales"})), everything - {"scoped of theirs"}),
        (Scope(is_all=False, actor="li", inboxes=frozenset({"shop"})), everything - {"scoped of ours"}),
        (Scope(is_all=False, actor="", teams=frozenset({""})), set()),
    ):
        hits = await tables.read(partial(_search, scope=scope))
        assert {hit.text for hit in hits.items} == found
        counted = await tables.read(partial(_overview, now_ms=at + 1000, scope=scope))
        assert (counted.opened, counted.messages_in) == (len(found), len(found))


@pytest.mark.parametrize("q", ["' OR 1=1 --", "\\'; DROP TABLE messages", "{tenant:String}", "%", "a\x00b"])
async def test_what_somebody_typed_stays_a_word(tables: Engine, q: str) -> None:
    await Book(tables).add([opened(1, tenant="acme"), message(2, "visitor", tenant="acme", text=CANARY)])
    if q == "%":
        with pytest.raises(InvalidInputError):
            await texts(tables, q)
    else:
        assert await texts(tables, q) == []
    assert await ask(tables, "SELECT count() FROM messages") == [(1,)]


async def test_history_pages_backwards_with_the_stored_bytes(tables: Engine) -> None:
    events = [opened(1), *(message(n, "visitor", text=str(n)) for n in range(2, 8))]
    await Book(tables).add(events)
    got: list[Any] = []
    before: tuple[int, int] | history.Position | None = None
    for size in (3, 3, 3):
        request = history.HistoryRequest(CONV, before, size)
        page = await tables.read(lambda client, request=request: history.page(client, "main", request))  # type: ignore[misc]
        got = page.events + got
        before = history.Position(*page.events[0][:2]) if size == 3 else None
    assert not page.more
    assert [bytes(raw) for *_, raw in got] == [ev.encode(e) for e in events]
    assert [(epoch, seq, prev) for epoch, seq, prev, _ in got] == [(EPOCH, n, n - 1) for n in range(1, 8)]
    assert msgspec.json.decode(msgspec.json.encode(page))["events"][0][3]["type"] == "conversation.opened"


async def test_history_leaves_out_what_nobody_could_read(tables: Engine) -> None:
    await Book(tables).load([entry(opened(1), 1), entry(message(2, "visitor"), 2, raw=b"\xff broken")])
    page = await tables.read(lambda client: history.page(client, "main", history.HistoryRequest(CONV)))
    assert [seq for _, seq, _, _ in page.events] == [1]
    msgspec.json.encode(page)


async def test_a_page_of_history_stays_below_the_message_limit(tables: Engine) -> None:
    await Book(tables).add([opened(1), *(message(n, "visitor", text="字" * 30_000) for n in range(2, 22))])
    page = await tables.read(lambda client: history.page(client, "main", history.HistoryRequest(CONV, limit=200)))
    assert page.more
    assert 5 < len(page.events) < 21
    assert len(msgspec.json.encode(page)) < 1_200_000


async def run(engine: Engine, text: str) -> sql.Table:
    return await engine.read(lambda client: sql.answer(client, sql.SqlRequest(text), 99))


async def test_sql_answers_with_columns_types_and_plain_values(tables: Engine) -> None:
    await Book(tables).add([opened(1), message(2, "visitor", text="你好")])
    table = await run(tables, "SELECT text, at, toUInt8(1) AS n, NULL AS nothing, [1, 2] AS list FROM messages FINAL;")
    assert table.columns == ["text", "at", "n", "nothing", "list"]
    assert table.types[:3] == ["String", "DateTime64(3, 'UTC')", "UInt8"]
    assert table.rows == [["你好", "1970-01-01 00:00:00.002", 1, None, [1, 2]]]
    assert (await run(tables, "SHOW TABLES LIKE 'ev%'")).rows == [["events"]]
    assert (await run(tables, "DESCRIBE events")).rows[0][0] == "tenant"
    assert (await run(tables, "WITH 1 AS x SELECT x UNION ALL SELECT 2")).rows in ([[1], [2]], [[2], [1]])


OUTSIDE = [
    "SELECT file('{secret}')",
    "SELECT FILE('{secret}')",
    "SELECT * FROM file('{secret}', 'LineAsString')",
    "SELECT (SELECT file('{secret}'))",
    "SELECT count() FROM events WHERE id IN (SELECT * FROM url('http://127.0.0.1:1/x', 'LineAsString'))",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/x')",
    "SELECT * FROM `{secret}`",
    "SELECT * FROM default.`{secret}`",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM executable('cat {secret}', 'LineAsString', 'x String')",
    "SELECT * FROM python('x')",
    "SELECT * FROM merge('.*', '.*')",
    "SELECT 1; SELECT file('{secret}')",
    "SELECT 1; DROP TABLE events",
    "SELECT 1 /* ; */; DROP TABLE events",
    "SELECT 'x' INTO OUTFILE '{target}'",
    "SELECT 'x' INTO OUTFILE '{target}' FORMAT CSV",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT sleep(3)",
    "EXPLAIN SELECT * FROM file('{secret}', 'LineAsString')",
    "DESCRIBE file('{secret}', 'LineAsString')",
    # Every place in which a function's name can stand.
    "SELECT * APPLY(file) FROM (SELECT '{secret}')",
    "SELECT * apply file FROM (SELECT '{secret}')",
    "SELECT * APPLY(`file`) FROM (SELECT '{secret}')",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '{secret}')",
    "SELECT COLUMNS('.*') APPLY(toString) APPLY(file) FROM (SELECT '{secret}')",
    "SELECT t.* APPLY(file) FROM (SELECT '{secret}') AS t",
    "SELECT * EXCEPT (b) APPLY(file) FROM (SELECT '{secret}' AS a, 1 AS b)",
    "SELECT * REPLACE (file(a) AS a) FROM (SELECT '{secret}' AS a)",
    "SELECT arrayMap(file, ['{secret}'])",
    "SELECT arrayMap(`FILE`, ['{secret}'])",
    "SELECT arrayMap(x -> file(x), ['{secret}'])",
    "SELECT arrayFilter(x -> length(file(x)) > 0, ['{secret}'])",
    "WITH (x -> file(x)) AS f SELECT f('{secret}')",
    "WITH x -> file(x) AS f SELECT arrayMap(f, ['{secret}'])",
    "WITH file('{secret}') AS y SELECT y",
    "WITH t AS (SELECT file('{secret}') AS y) SELECT y FROM t",
    "SELECT 1 UNION ALL SELECT length(file('{secret}'))",
    "(SELECT 'x') EXCEPT (SELECT file('{secret}'))",
    "SELECT `file`('{secret}')",
    "SELECT \"file\"('{secret}')",
    "SELECT 1 WHERE file('{secret}') != ''",
    "SELECT 1 ORDER BY file('{secret}')",
    "SELECT count() GROUP BY file('{secret}')",
    "SELECT count() HAVING file('{secret}') != ''",
    "SELECT 1 LIMIT length(file('{secret}'))",
    "SELECT sum(1) OVER (PARTITION BY file('{secret}'))",
    "SELECT sum(1) OVER w WINDOW w AS (ORDER BY file('{secret}'))",
    "SELECT a FROM (SELECT 1 AS a) ORDER BY a WITH FILL INTERPOLATE (a AS length(file('{secret}')))",
    "SELECT count(*) FILTER (WHERE file('{secret}') != '')",
    "SELECT 1 FROM (SELECT 1) AS a JOIN (SELECT 1) AS b ON file('{secret}') != ''",
    "SELECT y FROM (SELECT 1) ARRAY JOIN [file('{secret}')] AS y",
    "SHOW TABLES WHERE file('{secret}') != ''",
    "SHOW COLUMNS FROM events WHERE file('{secret}') != ''",
    "EXPLAIN AST SELECT * APPLY(file) FROM (SELECT '{secret}')",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'd', 'u', 'p') PARTITION BY x",
    "SELECT 1 SETTINGS max_threads = 1",
    # Other servers, dictionaries, models, the engine's inside, waiting.
    "SELECT dictGet('d', 'x', 1)",
    "SELECT dictGetOrDefault('d', 'x', 1, 2)",
    "SELECT dictHas('d', 1)",
    "SELECT * FROM dictionary('d')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM cluster('c', system.one)",
    "SELECT * FROM format(LineAsString, 'x')",
    "SELECT 1 IN file('{secret}', 'LineAsString')",
    "SELECT joinGet('t', 'x', 1)",
    "SELECT catboostEvaluate('{secret}', 1)",
    "SELECT evalMLMethod(1, 2)",
    "SELECT aiGenerate('x')",
    "SELECT showCertificate()",
    "SELECT getSetting('readonly')",
    "SELECT getMacro('x')",
    "SELECT addressToLine(1)",
    "SELECT arrayReduce('flameGraph', [1])",
    "SELECT sleepEachRow(1)",
    "SELECT throwIf(1, 'x')",
    "INSERT INTO events (seq) VALUES (1)",
    "INSERT INTO FUNCTION file('{target}', 'CSV', 'x String') VALUES ('x')",
    "DROP TABLE events",
    "ALTER TABLE events DELETE WHERE 1",
    "SET readonly = 0",
    "CREATE TABLE t (x Int8) ENGINE = Memory",
    "BACKUP TABLE events TO Disk('x', 'y')",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "ATTACH TABLE x",
    "USE system",
    "",
    "--",
    "SELECT",
]


async def test_sql_reaches_no_file_no_network_and_changes_nothing(tables: Engine, tmp_path: Path) -> None:
    secret, goal = tmp_path / "secret", tmp_path / "target"
    await tables.write(lambda _: secret.write_text("s3cr3t-of-the-machine"))
    for text in OUTSIDE:
        with pytest.raises(TrunklineError) as refused:
            pytest.fail(f"{text} was answered: {await run(tables, text.format(secret=secret, target=goal))}")
        assert "s3cr3t" not in str(refused.value), text
        assert not await tables.write(lambda _: goal.exists()), text
        assert (await run(tables, "SELECT count() FROM events")).rows == [[0]], text


READING = [
    "SELECT at, actor, text FROM messages FINAL ORDER BY at DESC LIMIT 20",
    "SELECT toDate(at) AS day, count() FROM messages FINAL GROUP BY day ORDER BY day DESC LIMIT 7",
    "SELECT count(), uniqExact(stream, epoch, seq), countIf(type = 'message.added') FROM events FINAL",
    "SELECT quantile(0.9)(seq), quantileIf(0.5)(seq, seq > 1), argMax(type, seq), groupArray(3)(type) FROM events",
    "SELECT groupBitXor(checksum) FROM loads WHERE state = 'done'",
    "SELECT JSONExtractString(raw, 'type') AS t, sum(length(raw)) FROM events WHERE t LIKE 'm%' GROUP BY t WITH ROLLUP",
    "SELECT conversation, row_number() OVER (PARTITION BY conversation ORDER BY seq) AS n FROM events QUALIFY n = 1",
    "SELECT arrayMap(x -> x * 2, [1, 2]), arraySum([1, 2]), (1, 2).1, [1, 2][1], CAST('1' AS UInt8), '1'::UInt8",
    "SELECT CASE WHEN seq > 1 THEN 'a' ELSE 'b' END AS c, seq BETWEEN 1 AND 2, seq IN (1, 2), NOT seq FROM events",
    "SELECT now() - INTERVAL 7 DAY, today(), DATE '2026-01-01', EXTRACT(MONTH FROM now()), date_trunc('hour', now())",
    "SELECT * EXCEPT (raw) FROM events FINAL ORDER BY seq WITH FILL LIMIT 1 BY conversation",
    "SELECT COLUMNS('^se') FROM events WHERE at > '2026-01-01 00:00:00' AND if(seq = 1, 1, 0) AND coalesce(NULL, 1)",
    "WITH d AS (SELECT toStartOfDay(at) AS d FROM events), 1 AS x SELECT d, x FROM d JOIN (SELECT 1 AS y) AS t ON 1",
    "SELECT 'first line\n\n  Function file' AS text, ifNull(text, ''), concat(text, 'x') || 'y', lower(text)",
    "SELECT name, type FROM system.columns WHERE database = currentDatabase() LIMIT 1",
    "EXPLAIN SELECT count() FROM events WHERE seq = 1",
    "EXPLAIN indexes = 1 SELECT count() FROM events WHERE seq = 1",
    "SHOW TABLES",
    "SHOW COLUMNS FROM events",
    "SHOW CREATE TABLE messages",
    "DESCRIBE TABLE messages",
]


async def test_sql_that_only_computes_is_answered(tables: Engine) -> None:
    """What the documentation shows, and what people who look after a warehouse write."""
    for text in READING:
        assert (await run(tables, text)).columns, text


async def test_every_allowed_function_is_the_engines_and_no_column_is_taken_for_another(tables: Engine) -> None:
    """The list holds no slip of the pen, and none of our columns has to be written with its table."""
    found = await ask(tables, "SELECT name, categories FROM system.functions")
    category = {str(name).lower(): str(kind) for name, kind in found}
    # These three are syntax, no functions of the engine's table.
    syntax = {"lambda", "exists", "grouping"}
    assert not (functions.SCALAR | functions.AGGREGATE) - category.keys() - syntax
    outside = {"AI", "Dictionary", "Embedded Dictionary", "Internal", "Introspection", "Machine Learning"}
    assert not {name for name in functions.SCALAR | functions.AGGREGATE if category.get(name) in outside}
    columns = await ask(tables, "SELECT DISTINCT name FROM system.columns WHERE database = currentDatabase()")
    refused = {name for name in category if not functions.is_allowed(name)}
    assert not {str(name).lower() for (name,) in columns} & refused


async def test_the_refusal_names_the_function(tables: Engine) -> None:
    for text in ("SELECT * APPLY(file) FROM events", "SELECT arrayMap(file, ['x'])", "SELECT file('x')"):
        with pytest.raises(InvalidInputError, match="file") as refused:
            await run(tables, text)
        assert refused.value.code == "sql.not_allowed"


async def test_the_dates_of_a_day_are_the_engines_own(tables: Engine) -> None:
    now = int(datetime(2026, 3, 10, tzinfo=UTC).timestamp() * 1000)
    day = await tables.read(lambda client: reports.day_of(client, "Asia/Shanghai", now))
    assert (day.from_ms, day.to_ms) == (ms("2026-03-10T00:00:00"), ms("2026-03-11T00:00:00"))
