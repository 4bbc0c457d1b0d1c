"""What two versions of a record differ in, and how a stream of versions reads."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from backbone.directory import KINDS, Agent, Inbox
from backbone.directory.audit import NOT_KEPT, SET, SET_ANEW, Difference, Reading, Wanted, differences
from backbone.directory.secret import apart
from backbone.directory.writer import headers_of
from backbone.events import Actor
from backbone.ids import key_hash
from backbone.nats import streams
from backbone.nats.feed import Delivery
from backbone.nats.wire.header import header_block
from trunkline import output
from trunkline.commands.audit import COLUMNS, rows, since_ms

LIN = Actor("agent", "lin", "林晓")
HASH = "$argon2id$not-for-anybodys-eyes"
AGENT = Agent(id="emma", name="Emma", email="emma@example.com", password=HASH)


def as_dict(record: Any) -> dict[str, Any]:
    return dict(msgspec.to_builtins(record))


def delivery(seq: int, subject: str, record: Any, revision: int, by: Actor = LIN) -> Delivery:
    pairs = list(headers_of(by, "why not", revision))
    if record is None:
        pairs.insert(0, ("KV-Operation", "DEL"))
    data = b"" if record is None else msgspec.json.encode(record)
    return Delivery(seq, seq * 1000, f"audit.directory.{subject}".encode(), header_block(*pairs), data)


def test_every_kind_that_a_tenant_has_is_audited_and_secrets_are_not() -> None:
    assert set(streams.AUDITED) == {*KINDS, "invitation"}


def test_a_field_is_told_as_it_was_and_as_it_is() -> None:
    before, after = as_dict(AGENT), {**as_dict(AGENT), "role": "supervisor", "of_a_newer_version": [1]}
    assert differences(before, after) == (
        Difference("of_a_newer_version", None, [1]),
        Difference("role", "agent", "supervisor"),
    )


def test_no_secret_is_in_a_difference_wherever_a_version_stored_it() -> None:
    inside = as_dict(AGENT)
    moved = as_dict(apart("main", AGENT).record)
    another = as_dict(
        apart("main", Agent(id="emma", name="Emma", email="emma@example.com", password=HASH + "2")).record
    )
    assert differences(inside, moved) == ()
    assert differences(moved, another) == (Difference("password", SET, SET_ANEW),)
    assert differences(inside, another) == (Difference("password", SET, SET_ANEW),)
    [made] = [each for each in differences(None, inside) if each.field == "password"]
    assert made == Difference("password", None, SET)
    inbox = Inbox(id="shop", channel="api", name="Shop", settings="sealed words")
    assert Difference("settings", SET, None) in differences(as_dict(inbox), {**as_dict(inbox), "settings": ""})
    for one, other in ((None, inside), (inside, None), (inside, another), (None, as_dict(inbox))):
        text = json.dumps(msgspec.to_builtins(differences(one, other)))
        assert "argon2id" not in text
        assert "sealed words" not in text


def test_a_stream_of_versions_reads_as_made_changed_and_removed() -> None:
    reading = Reading()
    role = msgspec.structs.replace(AGENT, role="admin")
    for seq, record in enumerate((AGENT, role, role, None, AGENT), 1):
        reading.take(delivery(seq, "main.agent.emma", record, 0 if seq in {1, 5} else seq - 1))
    found = list(reading.entries)
    assert [(one.what, one.at) for one in found] == [
        ("made", 1000),
        ("changed", 2000),
        ("removed", 4000),
        ("made", 5000),
    ]
    assert found[1].fields == (Difference("role", "agent", "admin"),)
    assert (found[1].by, found[1].why, found[1].kind, found[1].id) == (LIN, "why not", "agent", "emma")


def test_what_was_there_before_the_audit_began_is_not_told_as_made() -> None:
    reading = Reading()
    reading.take(delivery(1, "main.agent.emma", AGENT, 17))
    [entry] = reading.entries
    assert entry.what == "changed"
    assert {each.before for each in entry.fields} == {NOT_KEPT}


def test_entries_are_of_the_tenant_and_time_asked_for_and_bounded() -> None:
    invitation = {"type": "invitation", "tenant": "acme", "role": "admin", "exp": 1}
    claim = {"type": "claim", "tenant": "acme", "id": "shop"}
    taken = [
        delivery(1, "main.agent.emma", AGENT, 0),
        delivery(2, "acme.team.sales", {"type": "team", "id": "sales", "name": "Sales"}, 0),
        delivery(3, "_.invitation.hash", invitation, 0),
        delivery(4, "_.inbox.shop", claim, 0),
        delivery(5, "acme.team.sales", {"type": "team", "id": "sales", "name": "Sold"}, 2),
        delivery(6, "_.invitation.hash", None, 3),
    ]
    for reading, wanted in (
        (Reading(), [1000, 2000, 3000, 5000, 6000]),
        (Reading(Wanted(tenant="acme")), [2000, 3000, 5000, 6000]),
        (Reading(Wanted(tenant="acme", since_ms=4000)), [5000, 6000]),
        (Reading(Wanted(tenant="main")), [1000]),
        (Reading(most=2), [5000, 6000]),
        (Reading(Wanted(by="lin")), [1000, 2000, 3000, 5000, 6000]),
        (Reading(Wanted(by="emma")), []),
        (Reading(Wanted(before=5)), [1000, 2000, 3000]),
        (Reading(Wanted(tenant="acme", before=6), 1), [5000]),
    ):
        for one in taken:
            reading.take(one)
        assert [entry.at for entry in reading.entries] == wanted
    # Since a time: what was before it is known still.
    late = Reading(Wanted(tenant="acme", since_ms=4000))
    for one in taken:
        late.take(one)
    assert late.entries[0].fields == (Difference("name", "Sales", "Sold"),)


@pytest.mark.parametrize(
    ("wanted", "filters"),
    [
        (Wanted(), [">"]),
        (Wanted(tenant="acme"), ["acme.*.*", "_.invitation.*"]),
        (Wanted(tenant="acme", kind="team"), ["acme.team.*"]),
        (Wanted(tenant="acme", kind="team", id="sales"), ["acme.team.sales"]),
        (Wanted(tenant="acme", kind="agent"), ["acme.agent.*"]),
        (Wanted(tenant="acme", kind="agent", id="emma"), ["acme.agent.emma", "acme.reset.emma"]),
        (Wanted(tenant="acme", kind="invitation"), ["_.invitation.*"]),
        (Wanted(tenant="acme", id="emma"), ["acme.*.emma", "_.invitation.emma"]),
    ],
)
def test_the_server_sends_what_is_asked_for_alone(wanted: Wanted, filters: list[str]) -> None:
    assert wanted.filters() == tuple(f"audit.directory.{one}" for one in filters)


def test_a_link_for_a_password_is_told_without_its_secret_and_each_new_one() -> None:
    one, other = (
        {"type": "reset", "id": "lin", "hash": key_hash(secret), "exp": 1, "former": secret} for secret in ("a", "b")
    )
    assert Difference("hash", None, SET) in differences(None, one)
    assert differences(one, other) == (Difference("hash", SET, SET_ANEW),)
    assert key_hash("a") not in str(differences(None, one))


def test_what_is_no_record_and_who_did_not_say_is_told_as_far_as_it_can_be() -> None:
    reading = Reading()
    for header in (None, header_block(("Trunkline-By", "{"), ("Trunkline-Why", "[]"))):
        raw = msgspec.json.encode({"type": "team", "id": "a", "name": str(header)})
        reading.take(Delivery(1, 1, b"audit.directory.main.team.a", header, raw))
    reading.take(Delivery(2, 2, b"audit.directory.main.team.b", None, b"\xff{"))
    reading.take(Delivery(3, 3, b"audit.directory.main.team.c", None, b"[1]"))
    assert [(one.by, one.why) for one in reading.entries][:2] == [(None, ""), (None, "")]


def test_what_is_printed_moves_no_cursor_whatever_a_name_holds() -> None:
    reading = Reading()
    evil = Actor("agent", "eve", "\x1b[2J\x9b31m\nroot")
    reading.take(delivery(1, "main.team.a", {"type": "team", "id": "a", "name": "\x1b]0;x\x07"}, 0, evil))
    printed = output.table(COLUMNS, rows(list(reading.entries)))
    assert all(character.isprintable() for line in printed.split("\n") for character in line)
    assert len(printed.split("\n")) == 2 + 2


def test_since_is_a_span_or_a_time() -> None:
    assert since_ms("", 100.0) == 0
    assert since_ms("1h", 7200.0) == 3_600_000
    assert since_ms("2026-11-01", 0.0) == since_ms("2026-11-01T08:00:00+08:00", 0.0) == 1_793_491_200_000
