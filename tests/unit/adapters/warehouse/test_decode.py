"""Whatever lies in the log becomes a row; what can't be believed says why."""

from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.warehouse.loading.decode import UNKNOWN, decode
from backbone import events as ev
from backbone.nats.reader import Entry
from tests.unit.adapters.warehouse.timeline import CONV, entry, message

SUBJECT = f"chat.03.main.web.{CONV}"


def test_an_event_becomes_its_row() -> None:
    one = message(1_234, "agent", text="你好")
    row = decode(entry(one, 9, stored_ms=77), 5)
    assert (row.s, row.epoch, row.seq, row.stored_ms) == ("03", 5, 9, 77)
    assert (row.tenant, row.channel, row.conv, row.type) == ("main", "web", CONV, "message.added")
    assert (row.actor_kind, row.actor, row.at_ms, row.id) == ("agent", "A", 1_234, uuid.UUID(one.id).bytes)
    assert (row.raw, row.event, row.fault) == (ev.encode(one), one, "")


def changed(**fields: object) -> bytes:
    """A good message with some fields changed."""
    return json.dumps({**json.loads(ev.encode(message(1, "visitor"))), **fields}).encode()


def test_a_type_of_a_newer_version_is_no_fault() -> None:
    row = decode(Entry("03", 1, 5, SUBJECT, changed(type="message.starred", stars=3)), 5)
    assert (row.type, row.event, row.fault, row.actor_kind, row.at_ms) == ("message.starred", None, "", "visitor", 1)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", UNKNOWN),
        (b"{}", UNKNOWN),
        (b"\xff\x00", UNKNOWN),
        (b"[" * 100_000, UNKNOWN),
        (b'"text"', UNKNOWN),
        (b'{"type":"message.added","id":"\xff"}', UNKNOWN),
        (changed(text=5), "message.added"),
        (changed(at="now"), UNKNOWN),
        (changed(at=-1), "message.added"),
        (changed(at=9_999_999_999_999_999), "message.added"),
        (changed(id="not-a-uuid"), "message.added"),
        (changed(id="{" + "0" * 34 + "}"), "message.added"),
        (changed(tenant="acme"), "message.added"),
        (changed(conv="04" + "b" * 26), "message.added"),
        (changed(channel="wechat"), "message.added"),
    ],
)
def test_what_cant_be_believed_keeps_its_bytes_and_says_why(raw: bytes, kind: str) -> None:
    row = decode(Entry("03", 4, 123, SUBJECT, raw), 5)
    assert row.fault
    assert (row.type, row.event, row.raw) == (kind, None, raw)
    # Tenant and conversation are the subject's, the time is the stream's: nobody else's row.
    assert (row.tenant, row.conv, row.at_ms, len(row.id)) == ("main", CONV, 123, 16)


@settings(deadline=None)  # a count of examples is the bound, not the clock of a busy machine
@given(st.binary(max_size=300))
def test_no_bytes_stop_the_loader(raw: bytes) -> None:
    assert decode(Entry("03", 1, 5, SUBJECT, raw), 5).raw == raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "type", "at", "by", "conv", "tenant", "text", "salt"]), JSON))
def test_no_json_stops_the_loader(fields: dict[str, object]) -> None:
    row = decode(Entry("03", 1, 5, SUBJECT, changed(**fields)), 5)
    assert (row.tenant, row.channel, row.conv, len(row.id)) == ("main", "web", CONV, 16)
