"""Ids: formed, derived, refused."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone import ids
from backbone.errors import InvalidInputError

STREAMS = [f"{n:02d}" for n in range(8)]


@pytest.mark.parametrize("token", ["a", "A-b_9", "x" * 64])
def test_tokens_that_are_allowed(token: str) -> None:
    assert ids.check_token(token, "inbox") == token


@pytest.mark.parametrize(
    "token", ["", ".", "a.b", "*", ">", "a b", "a\r\n", "a\x00", "é", "你", "x" * 65, "a\n", "$JS"]
)
def test_tokens_that_would_break_a_subject_are_refused_by_name(token: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        ids.check_token(token, "inbox")
    assert (refused.value.code, refused.value.field) == ("id.token", "inbox")


def test_a_name_does_not_begin_with_an_underscore() -> None:
    with pytest.raises(InvalidInputError):
        ids.check_name("_system", "tenant")


@given(st.text(max_size=80))
def test_whatever_passes_as_a_token_holds_nothing_that_nats_reads(text: str) -> None:
    try:
        ids.check_token(text, "x")
    except InvalidInputError:
        return
    assert not set(text) & set(".*> \t\r\n\x00")


@given(st.text(max_size=40), st.text(max_size=40), st.uuids())
def test_a_conversation_is_derived_alike_everywhere_and_names_an_open_stream(
    tenant: str, inbox: str, message: uuid.UUID
) -> None:
    conv = ids.conversation_id(tenant, inbox, "somebody", str(message), STREAMS)
    assert conv == ids.conversation_id(tenant, inbox, "somebody", str(message), STREAMS)
    assert ids.check_conversation(conv) == conv
    assert conv[:2] in STREAMS


def test_the_separator_keeps_tenant_and_inbox_apart() -> None:
    assert ids.conversation_id("ab", "c", "somebody", "m", STREAMS) != ids.conversation_id(
        "a", "bc", "somebody", "m", STREAMS
    )


def test_conversations_spread_over_the_streams() -> None:
    seen = {ids.conversation_id("main", "web", "somebody", str(n), STREAMS)[:2] for n in range(300)}
    assert seen == set(STREAMS)


def test_derived_event_ids_are_uuids_and_differ_by_suffix() -> None:
    first = ids.new_event_id()
    derived = ids.derived_event_id(first, "opened")
    assert derived == ids.derived_event_id(first, "opened")
    assert derived != ids.derived_event_id(first, "closed")
    assert ids.check_uuid(derived) == derived
    assert uuid.UUID(derived).variant == uuid.RFC_4122
    assert derived[14] == "8"
    assert ids.check_uuid(ids.provider_event_id("wechat", "wx", "123"))


def test_new_ids_have_their_form_and_event_ids_sort_by_time() -> None:
    assert ids.check_contact(ids.new_contact_id())
    assert ids.check_name(ids.new_name(), "inbox")
    assert ids.check_uuid(ids.new_uuid())
    made = [ids.new_event_id() for _ in range(50)]
    assert made == sorted(made)


@pytest.mark.parametrize("value", ["", "00" + "A" * 26, "0" + "a" * 27, "00" + "a" * 25, "00" + "1" * 26])
def test_other_forms_of_conversations_are_refused(value: str) -> None:
    with pytest.raises(InvalidInputError):
        ids.check_conversation(value)


@pytest.mark.parametrize("value", ["", "x", "A1B2C3D4-0000-7000-8000-000000000000", "a1b2c3d4000070008000000000000000"])
def test_other_forms_of_uuids_are_refused(value: str) -> None:
    with pytest.raises(InvalidInputError):
        ids.check_uuid(value)


def test_two_who_choose_the_same_message_id_open_two_conversations() -> None:
    one, other = (ids.conversation_id("main", "web", contact, "the same", STREAMS) for contact in ("c1", "c2"))
    assert one != other


def test_the_id_of_a_decision_is_known_to_who_has_the_secret_alone() -> None:
    decided = ids.decision_id("s" * 32, "conv", "assigned:1:2")
    assert decided == ids.decision_id("s" * 32, "conv", "assigned:1:2")
    assert decided != ids.decision_id("t" * 32, "conv", "assigned:1:2")
    assert decided != ids.derived_event_id("conv", "assigned:1:2")
    with pytest.raises(InvalidInputError):
        ids.check_client_uuid(decided)
    assert ids.check_client_uuid(ids.new_event_id())
    assert ids.check_client_uuid(ids.new_uuid())
