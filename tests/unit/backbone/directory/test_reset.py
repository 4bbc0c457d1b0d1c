"""Which link sets a password."""

from __future__ import annotations

import pytest
from msgspec import structs

from backbone import directory
from backbone.directory import Agent, Reset, password_id
from backbone.directory.secret import apart
from backbone.errors import InvalidInputError
from backbone.ids import key_hash

LIN = Agent(id="lin", name="Lin", email="lin@example.com", password="$argon2id$one")
RESET = Reset(id="lin", hash=key_hash("secret"), exp=1000, former=password_id(LIN))


def test_a_link_counts_until_its_end_for_its_secret_alone() -> None:
    assert RESET.is_opened_by("secret", LIN, 999.0)
    assert RESET.is_opened_by("secret", LIN, 1000.0)
    assert not RESET.is_opened_by("secret", LIN, 1000.1)
    assert not RESET.is_opened_by("secrets", LIN, 0.0)
    assert not RESET.is_opened_by("", LIN, 0.0)


def test_a_link_counts_wherever_the_password_is_stored_and_no_more_once_it_is_another_one() -> None:
    assert RESET.is_opened_by("secret", apart("main", LIN).record, 0.0)  # type: ignore[arg-type]
    assert not RESET.is_opened_by("secret", structs.replace(LIN, password="$argon2id$another"), 0.0)


def test_a_link_of_somebody_who_was_deactivated_counts_no_more() -> None:
    assert not RESET.is_opened_by("secret", structs.replace(LIN, active=False), 0.0)


@pytest.mark.parametrize("wrong", [structs.replace(RESET, hash="short"), structs.replace(RESET, id="_lin")])
def test_a_record_that_no_link_could_open_isnt_stored(wrong: Reset) -> None:
    with pytest.raises(InvalidInputError):
        directory.check(wrong)
    assert directory.check(RESET) == RESET
