"""The authorisation of a Douyin account ends, and is renewed before."""

from __future__ import annotations

import msgspec
import pytest

from adapters.channels.douyin.authorisation import Authorisation, mark, read, warning
from adapters.channels.douyin.settings import Account
from backbone.channel import (
    Token,
)

DAY = 86_400


def held(until: int = 30 * DAY, renewals: int = 0) -> Authorisation:
    return Authorisation(refresh="r", refresh_until=until, renewals=renewals, code=mark("c"))


def test_authorisation_is_kept_beside_its_token_and_read_again() -> None:
    token = Token(value="a", life_s=1, more=held().kept())
    assert read(token) == held()
    assert read(None) is None


def test_end_is_told_once_no_renewal_is_left() -> None:
    assert "scan_by" not in held(renewals=4).kept()
    assert held(renewals=5).kept()["scan_by"] == str(30 * DAY)


@pytest.mark.parametrize(
    ("until", "renewals", "is_renewed"), [(15 * DAY, 0, False), (15 * DAY - 1, 4, True), (15 * DAY - 1, 5, False)]
)
def test_refresh_token_is_renewed_before_the_next_refresh_would_miss_it(
    until: int, renewals: int, *, is_renewed: bool
) -> None:
    assert held(until, renewals).is_renewed_at(0) == is_renewed


@pytest.mark.parametrize(
    ("days", "said"),
    [(14.1, ""), (14, "14 days"), (7.1, "14 days"), (7, "7 days"), (3, "3 days"), (1, "a day"), (0.1, "a day")],
)
def test_operator_is_asked_to_scan_anew_in_four_steps(days: float, said: str) -> None:
    warned = warning(days * DAY, 0)
    assert (said in warned) if said else warned == ""


def test_authorisation_that_ended_says_so() -> None:
    assert "has ended" in warning(0, 1)


def test_settings_name_their_secrets() -> None:
    schema = msgspec.json.schema(Account)["$defs"]["Account"]["properties"]
    assert {name for name, field in schema.items() if field.get("secret")} == {"client_secret", "code"}
    assert all(field["title"] and field["description"] for field in schema.values())
