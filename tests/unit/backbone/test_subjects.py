"""Subjects: built from checked tokens only, parsed back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone import ids
from backbone.errors import InvalidInputError
from backbone.nats import subjects

CONV = "03" + "a" * 26
token = st.from_regex(r"[A-Za-z0-9-][A-Za-z0-9_-]{0,20}", fullmatch=True)


@given(token, token)
def test_a_subject_is_parsed_back_into_what_it_was_built_of(tenant: str, channel: str) -> None:
    subject = subjects.chat(tenant, channel, CONV)
    assert subjects.parse_chat(subject) == subjects.ChatSubject("03", tenant, channel, CONV)
    assert subjects.parse_chat(subjects.live(subject)).conv == CONV


@given(st.text(max_size=10))
def test_nothing_but_tokens_reaches_a_subject_or_a_key(text: str) -> None:
    def builds(build: object) -> bool:
        assert callable(build)
        try:
            build()
        except InvalidInputError:
            return False
        return True

    try:
        ids.check_token(text, "x")
    except InvalidInputError:
        assert not builds(lambda: subjects.chat(text, "web", CONV))
        assert not builds(lambda: subjects.chat("main", text, CONV))
        assert not builds(lambda: subjects.desk("main", text))
        assert not builds(lambda: subjects.key("main", text))
        assert not builds(lambda: subjects.rpc("warehouse", text, "sql"))
        assert not builds(lambda: subjects.dead("main", text))


def test_a_conversation_names_its_stream() -> None:
    assert subjects.chat("main", "web", CONV).startswith("chat.03.")
    assert subjects.any_channel("main", CONV) == f"chat.03.main.*.{CONV}"


def test_verbs_of_several_tokens() -> None:
    assert subjects.rpc("warehouse", "main", "report.overview") == "rpc.warehouse.main.report.overview"
    assert subjects.rpc_filter("warehouse", "report.overview") == "rpc.warehouse.*.report.overview"
    assert subjects.tenant_of_rpc("rpc.warehouse.main.report.overview") == "main"


@pytest.mark.parametrize("subject", ["", "chat.00.a.b", "dead.main.x", "chat.00.a.b.c.d"])
def test_other_subjects_are_not_conversations(subject: str) -> None:
    with pytest.raises(ValueError, match="not the subject"):
        subjects.parse_chat(subject)


def test_an_id_of_one_conversation_swallows_no_other() -> None:
    assert subjects.message_id("a", "1") != subjects.message_id("b", "1")
