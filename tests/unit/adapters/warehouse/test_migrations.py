"""Schema files are numbered, remembered, and never changed once applied."""

from __future__ import annotations

import re

import pytest

from adapters.warehouse.clickhouse.migrations import Migration, SchemaError, pending, shipped, statements

ONE, TWO = Migration(1, "0001_a.sql", "A"), Migration(2, "0002_b.sql", "B")


def test_shipped_files_are_numbered_without_a_gap() -> None:
    assert [m.number for m in shipped()] == list(range(1, len(shipped()) + 1))


def test_only_what_is_new_is_pending() -> None:
    assert pending([ONE, TWO], {}) == [ONE, TWO]
    assert pending([ONE, TWO], {1: ONE.checksum}) == [TWO]
    assert pending([ONE, TWO], {1: ONE.checksum, 2: TWO.checksum}) == []


def test_a_changed_file_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"0001_a\.sql") as refused:
        pending([ONE], {1: TWO.checksum})
    assert refused.value.code == "warehouse.schema_changed"


def test_tables_of_a_newer_version_are_refused() -> None:
    with pytest.raises(SchemaError, match="newer") as refused:
        pending([ONE], {1: ONE.checksum, 2: "x"})
    assert refused.value.code == "warehouse.schema_newer"


def test_additions_of_a_newer_version_are_passed_over() -> None:
    added = Migration(3, "0003_c.sql", "C", is_additive=True)
    assert pending([ONE], {1: ONE.checksum}, {2: "x"}) == []
    assert pending([ONE, TWO, added], {1: ONE.checksum}, {}) == [TWO, added]
    assert pending([ONE, TWO, added], {1: ONE.checksum}, {3: added.checksum}) == [TWO]
    with pytest.raises(SchemaError, match=r"0003_c\.sql"):
        pending([ONE, TWO, added], {1: ONE.checksum}, {3: "changed"})


@pytest.mark.parametrize("migration", [m for m in shipped() if m.is_additive], ids=lambda m: m.name)
def test_an_addition_takes_nothing_away(migration: Migration) -> None:
    """What an older version reads and writes is there as it was."""
    for statement in statements(migration.text, ""):
        assert re.match(
            r"ALTER TABLE \w+\s+(ADD (COLUMN|INDEX)|MATERIALIZE INDEX)|CREATE (OR REPLACE VIEW|TABLE) ", statement
        )
        assert not re.search(r"\b(DROP|MODIFY|RENAME|CLEAR|DELETE|UPDATE)\b", statement)


def test_statements_fill_the_template_words() -> None:
    text = "-- a; comment\nCREATE TABLE a {{on_cluster}} () ENGINE = {{engine}}MergeTree;\nSELECT ';';\n"
    assert statements(text, "") == ["CREATE TABLE a  () ENGINE = MergeTree", "SELECT ';'"]
    assert statements(text, "c`1")[0] == "CREATE TABLE a ON CLUSTER `c\\`1` () ENGINE = ReplicatedMergeTree"


@pytest.mark.parametrize("migration", shipped(), ids=lambda m: m.name)
def test_every_statement_can_be_repeated_after_a_kill(migration: Migration) -> None:
    for statement in statements(migration.text, ""):
        assert any(word in statement for word in ("IF NOT EXISTS", "IF EXISTS", "OR REPLACE")), statement[:80]
        assert "{{" not in statement
