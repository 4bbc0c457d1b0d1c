"""Visitors' tokens and links to files."""

from __future__ import annotations

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st

from backbone.errors import NotAuthenticatedError, NotFoundError
from backbone.signing import LIFE_MOST_S, LINK_LIFE_S, TOKEN_LIFE_S, Signer, needs_renewal

SIGNER = Signer("s" * 32)


def test_a_token_names_its_visitor_until_it_expires() -> None:
    with time_machine.travel("2026-11-24T00:00:00Z", tick=False) as clock:
        token = SIGNER.visitor_token("main", "web", "c1")
        found = SIGNER.visitor(token)
        assert (found.tenant, found.inbox, found.contact) == ("main", "web", "c1")
        assert not needs_renewal(found)
        clock.shift(8 * 86_400)
        assert needs_renewal(found)
        clock.shift(TOKEN_LIFE_S)
        with pytest.raises(NotAuthenticatedError) as late:
            SIGNER.visitor(token)
        assert late.value.code == "token.expired"


def test_a_link_opens_one_file_for_five_minutes() -> None:
    with time_machine.travel("2026-11-24T00:00:00Z", tick=False) as clock:
        signed = SIGNER.file_link("main", "f", "a.png", "image/png")
        assert SIGNER.file(signed).file == "f"
        clock.shift(LINK_LIFE_S + 1)
        with pytest.raises(NotFoundError):
            SIGNER.file(signed)


def test_one_purpose_never_passes_for_another_nor_one_secret_for_another() -> None:
    token = SIGNER.visitor_token("main", "web", "c1")
    with pytest.raises(NotFoundError):
        SIGNER.file(token)
    with pytest.raises(NotAuthenticatedError):
        SIGNER.visitor(SIGNER.file_link("main", "f", "a", "b"))
    with pytest.raises(NotAuthenticatedError):
        Signer("t" * 32).visitor(token)


@given(st.text(max_size=200))
def test_any_text_is_refused_as_a_token(text: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        SIGNER.visitor(text)
    with pytest.raises(NotFoundError):
        SIGNER.file(text)


@given(st.integers(0, 400), st.characters())
@example(0, "\ud800")
def test_a_changed_token_is_refused(position: int, character: str) -> None:
    token = SIGNER.visitor_token("main", "web", "c1")
    # The last character of base64 carries two bits that mean nothing.
    position %= len(token) - 1
    changed = token[:position] + character + token[position + 1 :]
    if changed != token:
        with pytest.raises(NotAuthenticatedError):
            SIGNER.visitor(changed)


def test_a_stolen_token_does_not_renew_itself_for_ever() -> None:
    with time_machine.travel("2026-11-24T00:00:00Z", tick=False) as clock:
        token, renewed = SIGNER.visitor_token("main", "web", "c1"), 0
        while needs_renewal(found := SIGNER.visitor(token)) or not renewed:
            token = SIGNER.visitor_token("main", "web", "c1", first_ms=found.began_ms)
            clock.shift(20 * 86_400)
            renewed += 1
        assert 10 < renewed < LIFE_MOST_S / (20 * 86_400) + 1
        clock.shift(TOKEN_LIFE_S)
        with pytest.raises(NotAuthenticatedError):
            SIGNER.visitor(token)


def test_what_an_earlier_secret_signed_counts_for_as_long_as_it_is_left_in_the_setting() -> None:
    old, new = "o" * 32, "n" * 32
    before, between, after = Signer(old), Signer([new, old]), Signer([new])
    token, mark = before.visitor_token("main", "web", "c1"), before.mark("session", "a", 1)
    link = before.file_link("main", "f", "a", "b")
    assert between.visitor(token).contact == "c1"
    assert between.file(link).file == "f"
    assert between.is_mark(mark, "session", "a", 1)
    # What is signed between is the new one's.
    assert after.visitor(between.visitor_token("main", "web", "c2")).contact == "c2"
    assert after.is_mark(between.mark("session", "a", 1), "session", "a", 1)
    with pytest.raises(NotAuthenticatedError):
        after.visitor(token)
    assert not after.is_mark(mark, "session", "a", 1)


def test_a_mark_is_of_one_purpose_and_these_parts() -> None:
    mark = SIGNER.mark("session", "a", "b", 1)
    assert not SIGNER.is_mark(mark, "other", "a", "b", 1)
    for parts in (("ab", "", 1), ("a", "b", 2), ("a", "b"), ("a", "b", "1")):
        assert not SIGNER.is_mark(mark, "session", *parts)
    assert not SIGNER.is_mark("é\ud800", "session", "a", "b", 1)
