"""The checker of deliveries refuses each planted fault by its name, and accepts what kept every promise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.deliveries import Send, Traffic, check, end_of

CLEAN = Traffic(
    sends=[
        Send("e1", "ann", "a1", "sent"),
        Send("e2", "ann", "a2", "unknown"),
        Send("e3", "ann", "a3", "failed", "channel.rejected", "it is rude"),
        Send("e4", "bob", "b1", "failed", "channel.gave_up", "HTTP 500"),
        Send("e5", "bob", "b2", "sent"),
    ],
    accepted={"ann": ["a1", "a2"], "bob": ["b2"]},
    dead={"e4": "HTTP 500"},
    told={"ann": ["hello", "there"]},
    heard={"ann": ["hello", "there"]},
)


def names(traffic: Traffic) -> set[str]:
    return {f"{one.invariant} {one.name}" for one in check(traffic)}


def test_a_traffic_that_kept_every_promise_is_accepted() -> None:
    assert names(CLEAN) == set()
    assert names(CLEAN._replace(accepted={"ann": ["a1"], "bob": ["b2"]})) == set()


@pytest.mark.parametrize(
    ("spoilt", "name"),
    [
        ({"accepted": {"ann": ["a1", "a1"], "bob": ["b2"]}}, "I2 sent_twice"),
        ({"accepted": {"ann": ["a1", "spam"], "bob": ["b2"]}}, "I2 invented"),
        ({"accepted": {"ann": ["a1"], "bob": ["a2", "b2"]}}, "I5 wrong_peer"),
        ({"accepted": {"ann": ["a2", "a1"], "bob": ["b2"]}}, "I3 swapped"),
        ({"accepted": {"ann": ["a1"]}}, "I7 lost"),
        ({"accepted": {"ann": ["a1", "a3"], "bob": ["b2"]}}, "I7 denied"),
        ({"sends": [*CLEAN.sends, Send("e6", "bob", "b3", "pending")]}, "I7 without_an_end"),
        ({"sends": [*CLEAN.sends, Send("e6", "bob", "b3", "failed")]}, "I7 silent"),
        ({"dead": {}}, "I7 not_in_dead"),
        ({"heard": {"ann": ["hello"]}}, "I1 not_heard"),
        ({"heard": {"ann": ["hello", "there", "hello"]}}, "I2 heard_twice"),
        ({"heard": {"ann": ["there", "hello"]}}, "I3 heard_in_another_order"),
    ],
)
def test_each_planted_fault_is_refused_by_its_name(spoilt: dict[str, Any], name: str) -> None:
    assert names(CLEAN._replace(**spoilt)) == {name}


@pytest.mark.parametrize(
    ("updates", "end"),
    [
        ([], "pending"),
        ([{"state": "failed", "error": {"code": "channel.paused"}}], "pending"),
        ([{"state": "failed", "error": {"code": "channel.rejected", "final": True}}], "failed"),
        ([{"state": "unknown"}], "unknown"),
        ([{"state": "unknown"}, {"state": "delivered"}], "sent"),
    ],
)
def test_the_end_of_a_message_is_what_its_updates_come_to(updates: list[dict[str, Any]], end: str) -> None:
    assert end_of(updates)[0] == end
