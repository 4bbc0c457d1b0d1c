"""What doctor makes of installed channels and their accounts."""

from __future__ import annotations

import pytest

from backbone.accounts.registry import Broken, Found
from backbone.asks.accounts import AccountState
from trunkline.doctor.channels import accounts_of, installed

TWO = {"main": ["bot", "shop"]}


def test_a_broken_plugin_is_named_with_its_reason_and_stops_nothing() -> None:
    check = installed(Found({}, [Broken("viber", "it lacks send.")]))
    assert (check.state, check.detail) == ("warning", "none; broken: viber: it lacks send.")


@pytest.mark.parametrize(
    ("states", "silent", "state", "detail", "todo"),
    [
        ([AccountState("bot"), AccountState("shop")], "", "ok", "2 accounts, all well", ""),
        (
            [AccountState("bot"), AccountState("shop", "no token")],
            "",
            "wrong",
            "1 of 2 accounts paused: shop: no token",
            "Mend what",
        ),
        (
            [AccountState("bot"), AccountState("shop", failing="the connection is lost")],
            "",
            "wrong",
            "1 of 2 accounts can't be read: shop: the connection is lost",
            "tried again",
        ),
        ([], "The telegram doesn't answer now.", "wrong", "2 accounts, and no adapter runs", "adapter telegram"),
    ],
)
def test_accounts_are_counted_and_the_ill_named(
    states: list[AccountState], silent: str, state: str, detail: str, todo: str
) -> None:
    check = accounts_of("telegram", TWO, states, silent)
    assert (check.state, check.detail) == (state, detail)
    assert todo in check.todo
