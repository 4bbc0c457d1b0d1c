"""The age of the oldest message that a channel hasn't sent."""

from __future__ import annotations

import time

import time_machine

from adapters.channels.kit.outgoing.unsent import Unsent
from backbone.nats.leases import counted_as


def test_the_oldest_that_still_waits_counts_and_none_is_zero() -> None:
    waiting = Unsent("a-channel-of-this-test")
    assert waiting.oldest_s() == 0
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        now = round(time.time() * 1000)
        waiting.begin("older", now - 90_000)
        waiting.begin("newer", now - 5_000)
        waiting.begin("older", now)
        assert waiting.oldest_s() == 90
        waiting.end("older")
        assert waiting.oldest_s() == 5
        waiting.end("older")
        waiting.end("newer")
        assert waiting.oldest_s() == 0


def test_leases_of_accounts_and_processes_share_a_label() -> None:
    """There is no end of either, and each value of a label is a series for as long as it is kept."""
    assert counted_as("routing.0") == "routing.0"
    assert counted_as("lane.telegram.03") == "lane.telegram.03"
    assert counted_as("member.telegram.telegram-1f2e3d4c") == "member.telegram"
    assert counted_as("poll.shop.0123456789abcdef") == "poll"
