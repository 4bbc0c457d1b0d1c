"""Guesses at passwords: counted before the work, by whom they come from, without locking an owner out."""

from __future__ import annotations

import pytest

from backbone.errors import TooManyError
from node.entry.addresses import counted_as
from node.entry.login_limits import SLOWED_MOST_OF_ONE, SLOWED_S, Attempt, LoginLimits
from node.settings import NodeSettings

OWNER = "lin@example.com"


def limits() -> LoginLimits:
    return LoginLimits(NodeSettings(login_rate=10))


def tries(tried: LoginLimits, network: str, count: int, account: str = OWNER) -> list[Attempt]:
    """Those of `count` tries at one moment that were let through."""
    taken = []
    for _ in range(count):
        try:
            taken.append(tried.attempt(account, network, 0.0))
        except TooManyError:
            break
    return taken


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
        ("a socket's name", "a socket's name"),
    ],
)
def test_addresses_of_one_ipv6_site_are_one(address: str, counted: str) -> None:
    assert counted_as(address) == counted


def test_a_hundred_guesses_at_once_are_counted_before_any_is_answered() -> None:
    assert len(tries(limits(), "192.0.2.7", 100)) == 10


def test_a_right_password_gives_back_what_it_took() -> None:
    tried = limits()
    for _ in range(100):
        tried.attempt(OWNER, "192.0.2.7", 0.0).was_right()


def test_what_nobody_looked_at_does_not_count() -> None:
    tried = limits()
    for _ in range(100):
        tried.attempt(OWNER, "192.0.2.7", 0.0).undo()


def test_strangers_who_guess_from_many_addresses_slow_an_account_and_never_lock_its_owner_out() -> None:
    tried = limits()
    tried.attempt(OWNER, "198.51.100.1", 0.0).was_right()
    for number in range(10):
        for attempt in tries(tried, f"192.0.2.{number}", 100):
            assert attempt.slowed_s in {0.0, SLOWED_S}
    # As many as may wait do. The owner, where they have been before, doesn't; elsewhere they wait, or are told when.
    assert tried.attempt(OWNER, "198.51.100.1", 0.0).slowed_s == 0
    with pytest.raises(TooManyError) as refused:
        tried.attempt(OWNER, "198.51.100.2", 0.0)
    assert refused.value.retry_after_ms
    assert refused.value.retry_after_ms <= SLOWED_S * 1000 + 1


def test_a_guess_that_waits_makes_room_when_it_has_waited() -> None:
    tried = limits()
    waiting = [a for n in range(100) for a in tries(tried, f"192.0.2.{n}", 1) if a.slowed_s]
    assert len(waiting) == SLOWED_MOST_OF_ONE
    waiting[0].waited()
    waiting[0].waited()
    assert tried.attempt(OWNER, "198.51.100.1", 0.0).slowed_s == SLOWED_S
    assert tried.attempt("emma@example.com", "198.51.100.1", 0.0).slowed_s == 0
