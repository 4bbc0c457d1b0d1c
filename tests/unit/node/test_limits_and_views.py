"""Rates, and which conversation stands in which view."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.conversation import Head, LastMessage, QueuePlace
from backbone.errors import SettingError
from backbone.events import Actor
from node.entry.addresses import is_within, networks
from node.entry.limits import RateByKey, TokenBucket
from node.entry.quotas import Quotas
from node.protocol.frames import Counts
from node.rooms.views import Tally, in_view, order
from node.settings import NodeSettings


@given(st.floats(0.1, 50), st.integers(1, 30), st.lists(st.floats(0, 5), max_size=60))
def test_never_more_than_burst_and_rate(rate: float, burst: int, pauses: list[float]) -> None:
    bucket, now, taken = TokenBucket(rate, burst, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0.0
    assert taken <= burst + rate * now + 1e-6


def test_the_wait_that_is_told_is_enough() -> None:
    bucket = TokenBucket(2.0, 1, 0.0)
    assert bucket.take(0.0) == 0.0
    wait = bucket.take(0.0)
    assert bucket.take(wait + 1e-9) == 0.0


def test_a_clock_that_was_read_before_the_bucket_was_made_takes_nothing_away() -> None:
    """With 10,000 a second a first message was refused where the process was held up for 5 ms in between."""
    bucket = TokenBucket(10_000.0, 1, 10.0)
    assert bucket.is_full(9.995)
    assert bucket.wait(9.995) == 0.0
    assert bucket.left(9.995) == (1, 0.0)
    assert bucket.take(9.995) == 0.0
    assert bucket.wait(10.0) > 0.0


def test_keys_have_their_own_rate() -> None:
    rate = RateByKey(per_minute=2)
    assert [rate.take("a", 0.0) == 0 for _ in range(3)] == [True, True, False]
    assert rate.take("b", 0.0) == 0


def head(conv: str, **fields: object) -> Head:
    return Head(**{"conv": conv, "tenant": "main", "channel": "web", "opened_at": 1, **fields})  # type: ignore[arg-type]


QUEUED = head("a", queue=QueuePlace(5))
MINE = head("b", status="open", agent="li", last=LastMessage(3, 9, Actor("visitor", "c")))
OTHERS = head("c", status="open", agent="wang", mentions=["li"], team="vip")
SNOOZED = head("d", status="snoozed", agent="li")
DONE = head("e", status="resolved", agent="li")


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("mine", "b"),
        ("queue", "a"),
        ("all", "abcd"),
        ("mentions", "c"),
        ("snoozed", "d"),
        ("team:vip", "c"),
        ("team:x", ""),
    ],
)
def test_views(view: str, shown: str) -> None:
    heads = [QUEUED, MINE, OTHERS, SNOOZED, DONE]
    assert "".join(h.conv for h in heads if in_view(h, view, "li")) == shown


def test_the_queue_is_ordered_by_priority_then_wait() -> None:
    late = head("z", queue=QueuePlace(2))
    vip = head("y", queue=QueuePlace(9, priority=50))
    assert [h.conv for h in sorted([QUEUED, late, vip], key=lambda h: order(h, "queue"))] == ["y", "z", "a"]
    assert [h.conv for h in sorted([OTHERS, MINE], key=lambda h: order(h, "all"))] == ["b", "c"]


@given(st.lists(st.sampled_from([QUEUED, MINE, OTHERS, SNOOZED, DONE, None]), max_size=30))
def test_the_tally_equals_a_recount(changes: list[Head | None]) -> None:
    tally, now = Tally(), None
    for new in changes:
        tally.change(now, new)
        now = new
    heads = [now] if now else []
    assert tally.counts("li") == Counts(
        mine=sum(in_view(h, "mine", "li") for h in heads),
        queue=sum(in_view(h, "queue", "li") for h in heads),
        all=sum(in_view(h, "all", "li") for h in heads),
    )


def test_proxies_are_addresses_or_networks() -> None:
    allowed = networks(" 10.0.0.7, 192.168.0.0/16 ,2001:db8::/32,", "X")
    assert all(is_within(one, allowed) for one in ("10.0.0.7", "192.168.3.4", "2001:db8:1::5", "2001:db8:1::/64"))
    assert not any(is_within(one, allowed) for one in ("10.0.0.8", "192.169.0.1", "2001:db9::1", "unix", ""))
    quotas = Quotas(NodeSettings(proxies="10.0.0.0/8,2001:db8::/32"))
    assert {quotas.counted_as(one) for one in ("10.1.2.3", "2001:db8::9", "127.0.0.1")} == {""}
    assert quotas.counted_as("1.2.3.4") == "1.2.3.4"


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.example.com", "10.0.0.7;10.0.0.8", "*"])
def test_a_proxy_that_is_neither_address_nor_network_stops_the_start(wrong: str) -> None:
    with pytest.raises(SettingError, match="TRUNKLINE_NODE_PROXIES has"):
        Quotas(NodeSettings(proxies=f"10.0.0.1,{wrong}"))
