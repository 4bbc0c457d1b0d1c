"""Rows become Arrow tables that fit the schema's columns, and checksums that the engine also computes."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.warehouse.clickhouse import migrations
from adapters.warehouse.loading import pack
from adapters.warehouse.loading.checksum import checksum
from adapters.warehouse.loading.decode import decode
from backbone import events as ev
from tests.unit.adapters.warehouse.timeline import entry, event, folded, message, opened

TEXT = st.text(max_size=40).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


def columns(table: str) -> set[str]:
    """The columns of a table that its DDL makes without a default, and those that came later."""
    ddl = "\n".join(m.text for m in migrations.shipped())
    body = re.search(rf"CREATE TABLE IF NOT EXISTS {table} .*?\(\n(.*?)\n\) ENGINE", ddl, re.DOTALL)
    assert body is not None
    found = re.findall(r"^  `?([a-z_]+)`? (?!text TYPE)(.*)$", body[1], re.MULTILINE)
    changes = re.findall(rf"^ALTER TABLE {table} (.*?);\n", ddl, re.DOTALL | re.MULTILINE)
    later = {name for change in changes for name in re.findall(r"ADD COLUMN IF NOT EXISTS ([a-z_]+)", change)}
    return {name for name, rest in found if " DEFAULT " not in rest and name != "INDEX"} | later


@settings(deadline=None)  # a count of examples is the bound, not the clock of a busy machine
@given(st.lists(st.tuples(TEXT, st.integers(0, 2**63), st.integers(0, 2**41)), min_size=1, max_size=8))
def test_events_keep_bytes_sequence_and_times(rows: list[tuple[str, int, int]]) -> None:
    entries = [entry(message(at, "visitor", text=text), seq, stored_ms=at + 1) for text, seq, at in rows]
    decoded = [decode(one, 4_294_967_295) for one in entries]
    table = pack.events_table(decoded, [7] * len(decoded), 0)
    assert set(table.column_names) == columns("events")
    assert table["raw"].to_pylist() == [one.raw for one in entries]
    assert table["seq"].to_pylist() == [seq for _, seq, _ in rows]
    assert [int(at.timestamp() * 1000 + 0.5) for at in table["at"].to_pylist()] == [at for _, _, at in rows]
    assert table == pack.events_table(decoded, [7] * len(decoded), 0)


def test_an_edit_keeps_the_place_of_its_message_and_a_recall_empties_it() -> None:
    files = [ev.Attachment(file="f", name="报价.pdf", mime="application/pdf", bytes=10)]
    entered: ev.Data = {"form": {"size": "L"}, "latitude": 23.1}
    said = decode(entry(message(5, "agent", text="first", attachments=files, reply_to="r", data=entered), 3), 7)
    edit = decode(entry(event(ev.MessageEdited, 9, "agent", target="x", text="second"), 8), 7)
    recall = decode(entry(event(ev.MessageRecalled, 11, "agent", target="x"), 9), 7)
    table = pack.messages_table([pack.Message(said, state, "web") for state in (said, edit, recall)], 0)
    assert set(table.column_names) == columns("messages")
    assert table["text"].to_pylist() == ["first", "second", ""]
    # A change of the text alone takes away neither files nor what was entered.
    assert table["attachments"].to_pylist() == [["报价.pdf"], ["报价.pdf"], []]
    assert table["data"].to_pylist() == ['{"form":{"size":"L"},"latitude":23.1}'] * 2 + [""]
    assert table["words"].to_pylist() == ["L\n23.1"] * 2 + [""]
    assert table["recalled"].to_pylist() == [0, 0, 1]
    for column in ("seq", "at", "stored_at", "actor", "id", "reply_to"):
        assert len(set(table[column].to_pylist())) == 1, column
    versions = [int.from_bytes(v, "little") for v in table["version"].to_pylist()]
    assert versions == [(7 << 64) + seq for seq in (3, 8, 9)]


def test_conversations_have_every_column() -> None:
    table = pack.conversations_table([folded([opened(5), message(6, "visitor")])], 30)
    assert set(table.column_names) == columns("conversations")
    assert table["frt_human_ms"].to_pylist() == [None]


def test_rows_keep_for_ever_or_for_days() -> None:
    assert pack.keep_until(1_000, 0) == pack.FOREVER
    assert pack.keep_until(1_000, 1) == 86_401
    assert pack.keep_until(4_294_967_295_000, 36_500) == pack.FOREVER


# cityHash64(seq, id) of ClickHouse 26.9.2.1 (chdb 4.4.0), one row each.
ENGINE_SAYS: list[tuple[int, str, int]] = [
    (1, "74cf5cfbb510427b98c803220c845494", 14326566216670079330),
    (2, "185ec1d40deb47549743453224a5a2a3", 2487109044555009154),
    (3, "90dc736515564571806 3a13c8abe9c14".replace(" ", ""), 6060157523070778946),
]


def test_the_checksum_is_the_engines() -> None:
    for seq, id_, expected in ENGINE_SAYS:
        assert checksum([seq], [bytes.fromhex(id_)]) == expected
    together = 0
    for _, _, expected in ENGINE_SAYS:
        together ^= expected
    assert checksum([s for s, _, _ in ENGINE_SAYS], [bytes.fromhex(i) for _, i, _ in ENGINE_SAYS]) == together
    assert checksum([], []) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(min_size=16, max_size=16)), min_size=2, max_size=20))
def test_the_checksum_knows_no_order_and_notices_a_change(rows: list[tuple[int, bytes]]) -> None:
    def of(some: list[tuple[int, bytes]]) -> int:
        return checksum([s for s, _ in some], [i for _, i in some])

    assert of(rows) == of(rows[::-1])
    seq, id_ = rows[0]
    swapped: list[Any] = [(seq, bytes([id_[0] ^ 1]) + id_[1:]), *rows[1:]]
    assert of(swapped) != of(rows)
