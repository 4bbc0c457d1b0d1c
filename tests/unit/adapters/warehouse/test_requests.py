"""The parts of requests that need no engine: words, excerpts, trees, settings, shares."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.warehouse.asking import functions, search, sql
from adapters.warehouse.asking.gate import Gate
from adapters.warehouse.settings import Warehouse, target
from backbone.errors import InvalidInputError, SettingError, TooManyError
from backbone.settings import load, redacted


def test_words_are_split_at_any_space_and_kept_once() -> None:
    assert search.words(" 退款  order　退款 ") == ["退款", "order"]


@pytest.mark.parametrize("q", ["", "   ", "!!", "？。"])
def test_a_query_without_any_letter_is_refused(q: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        search.words(q)
    assert (refused.value.code, refused.value.field) == ("search.empty", "q")


def test_more_than_eight_words_are_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        search.words("a b c d e f g h i")
    assert refused.value.code == "search.too_many_words"


@settings(deadline=None)  # a count of examples is the bound, not the clock of a busy machine
@given(st.text(max_size=2_000), st.text(min_size=1, max_size=10))
def test_an_excerpt_is_a_part_of_the_text(text: str, word: str) -> None:
    found = search.excerpt(text, [word])
    assert found in text
    assert len(found) <= search.EXCERPT


def test_an_excerpt_shows_the_word() -> None:
    assert "退款" in search.excerpt("好" * 1_000 + "退款" + "好" * 1_000, ["退款"])


@pytest.mark.parametrize("before", ["", "1-2", "x-1-c", "1-99999999999999999999-c", "1-2-c'--", "1-2-" + "c" * 65])
def test_a_made_up_cursor_is_refused(before: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        search._cursor(before)
    assert (refused.value.code, refused.value.field) == ("search.bad_cursor", "before")


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        (["InsertQuery   (children 2)"], "Only SELECT"),
        (["DropQuery"], "Only SELECT"),
        (["SelectWithUnionQuery (children 2)", " ExpressionList", " Literal 'x'"], "OUTFILE"),
        (["SelectWithUnionQuery", "     TableExpression (children 1)", "      Function url (children 1)"], "url()"),
        (["SelectWithUnionQuery", "    Function FILE (children 1)"], "FILE()"),
        (["SelectWithUnionQuery", "    Function aiGenerate (alias x) (children 1)"], "aiGenerate()"),
        (["SelectWithUnionQuery", "    Function arrayMap", "     Identifier File"], "File names a function"),
        (["SelectWithUnionQuery", "      ColumnsApplyTransformer"], "APPLY isn't allowed"),
        (["SelectWithUnionQuery", "    SomethingNew (children 1)"], "SomethingNew isn't allowed"),
    ],
)
def test_a_tree_that_reaches_out_is_refused(tree: list[str], says: str) -> None:
    assert says in sql.problem_of(tree, "", {"file": "file"})


def test_a_tree_that_only_reads_is_allowed() -> None:
    tree = ["SelectWithUnionQuery (children 2)", " ExpressionList (children 1)", "  SelectQuery", "    Function count"]
    assert sql.problem_of([*tree, "   TableExpression (children 1)", "    TableIdentifier events"], "", {}) == ""


@pytest.mark.parametrize("name", ["count", "COUNT", "sumIf", "uniqExactArrayIf", "countDistinctIf", "quantileOrNullIf"])
def test_an_aggregate_goes_with_its_combinators(name: str) -> None:
    assert functions.is_allowed(name)


@pytest.mark.parametrize(
    "name", ["file", "fileIf", "Merge", "State", "sleepEachRow", "dictGetIf", "lengthIf", "url", ""]
)
def test_a_name_that_only_looks_allowed_is_not(name: str) -> None:
    assert not functions.is_allowed(name)


@pytest.mark.parametrize(
    "dsn", ["", "chdb:", "chdb://relative/path", "chdb:///", "mysql://x/y", "clickhouse://", "/tmp/x"]
)
def test_a_dsn_that_names_no_engine_is_refused_by_its_variable(dsn: str) -> None:
    with pytest.raises(SettingError, match="TRUNKLINE_WAREHOUSE_DSN") as refused:
        target(dsn)
    assert refused.value.field == "TRUNKLINE_WAREHOUSE_DSN"


def test_a_dsn_names_path_or_server() -> None:
    assert target("chdb:///var/lib/a%20b").path == "/var/lib/a b"
    assert (target("clickhouse://u:p@db:8123/desk").path, target("clickhouse://u:p@db:8123/desk").database) == (
        "",
        "desk",
    )
    assert target("clickhouses://db").database == "trunkline"


def test_the_dsn_may_hold_a_password_and_isnt_shown() -> None:
    settings = load(Warehouse, "warehouse", {"TRUNKLINE_WAREHOUSE_DSN": "clickhouse://u:secret@db"})
    assert "secret" not in str(redacted(settings))


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOAD_EVENTS", "0"), ("LEASE_S", "1"), ("GROUP", "a b"), ("CLUSTER", "x;y"), ("READERS", "many")],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"TRUNKLINE_WAREHOUSE_{name}"):
        load(Warehouse, "warehouse", {f"TRUNKLINE_WAREHOUSE_{name}": value})


async def test_a_tenant_has_its_share_and_no_more() -> None:
    gate = Gate(running=2, waiting=1)
    release = asyncio.Event()
    inside = 0

    async def ask(tenant: str) -> None:
        nonlocal inside
        async with gate.enter(tenant):
            inside += 1
            await release.wait()

    tasks = [asyncio.create_task(ask("main")) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == 2
    with pytest.raises(TooManyError) as refused:
        await ask("main")
    assert (refused.value.code, refused.value.retry_after_ms) == ("warehouse.busy", 1000)
    other = asyncio.create_task(ask("acme"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == 3
    release.set()
    await asyncio.gather(*tasks, other)
    async with gate.enter("main"):
        assert gate._counts == {"main": 1}
    assert not gate._counts
    assert not gate._slots
