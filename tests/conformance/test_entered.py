"""Case 25: what a customer enters or chooses beside words is in the log, whenever they do it and whoever of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.rig import Bench

pytestmark = pytest.mark.timeout(120)


async def test_25_how_somebody_came_is_told_with_the_first_that_they_say_or_before(bench: Bench) -> None:
    bench.need("comes_by", "code or link with a scene")
    async with bench.account() as account:
        await account.deliver(account.simulator.comes_by("ann", "store_17"))
        heard = await account.hears("ann", "hello")
        await account.deliver(account.simulator.say("ann", "again"))
        await account.event(lambda e: e.get("text") == "again")
        told = [e for e in await account.events() if "store_17" in json.dumps(e)]
        assert told, "how they came is nowhere"
        assert {e["conv"] for e in told} == {heard["conv"]}
        assert "again" not in [e.get("text") for e in told], "they came once"


async def test_25_a_tap_asks_for_somebody_and_says_what_was_tapped(bench: Bench) -> None:
    bench.need("taps", "menu or button")
    async with bench.account() as account:
        await account.deliver(account.simulator.taps("ann", "HUMAN_SERVICE"))
        tapped = await account.event(lambda e: e.get("kind") == "event")
        assert (tapped["type"], tapped["data"]["choice"]) == ("message.added", "HUMAN_SERVICE")
        assert "conversation.opened" in [e["type"] for e in await account.events()]
        heard = await account.hears("ann", "hello")
        assert heard["conv"] == tapped["conv"]


@pytest.mark.parametrize("is_open", [False, True], ids=["first", "within"])
async def test_25_a_form_that_is_filled_in_is_kept_by_question(bench: Bench, is_open: bool) -> None:  # noqa: FBT001
    bench.need("fills_in", "form")
    async with bench.account() as account:
        if is_open:
            await account.hears("ann", "hello")
        await account.deliver(account.simulator.fills_in("ann", "comment", "the box was broken"))
        filled = await account.event(lambda e: "form" in e.get("data", {}))
        assert filled["data"]["form"] == {"comment": "the box was broken"}
        assert "the box was broken" in filled["text"], "whoever reads the text alone misses it"


async def test_25_who_of_a_group_wrote_stands_at_each_message(bench: Bench) -> None:
    bench.need("says_in_group", "group")
    async with bench.account() as account:
        for author, text in (("Zhao", "I want it"), ("Qian", "I object"), ("Zhao", "so what")):
            await account.deliver(account.simulator.says_in_group("Buyers", author, text))
            await account.event(lambda e, text=text: e.get("text") == text)
        added: list[dict[str, Any]] = [e for e in await account.events() if e["type"] == "message.added"]
        assert [e["data"]["author"] for e in added] == ["Zhao", "Qian", "Zhao"]
        assert len({e["conv"] for e in added}) == 1


async def test_25_which_of_our_messages_a_customer_answers_stands_at_theirs(bench: Bench) -> None:
    bench.need("quotes_ours", "message of ours that a customer answers")
    async with bench.account() as account:
        heard = await account.hears("ann", "hello")
        asked = await account.answers(heard, "which colour?")
        await account.state(asked, "sent", "delivered", "accepted")
        await account.answers(heard, "and which size?")
        await account.until(lambda: len(account.simulator.accepted) == 2, "both are out")
        await account.deliver(account.simulator.quotes_ours("ann", account.simulator.accepted[0], "blue"))
        said = await account.event(lambda e: e.get("text") == "blue")
        assert said["reply_to"] == asked


async def test_25_reading_is_marked_as_far_as_it_went(bench: Bench) -> None:
    bench.need("reads_up_to_now", "mark of reading up to a place")
    async with bench.account() as account:
        heard = await account.hears("ann", "hi")
        one = await account.answers(heard, "one")
        await account.state(one, "sent", "delivered", "accepted")
        told = account.simulator.reads_up_to_now("ann")
        two = await account.answers(heard, "two")
        await account.state(two, "sent", "delivered", "accepted")
        await account.deliver(told)
        mark = await account.event(lambda e: e["type"] == "read.marked" and e["reader"] == "visitor")
        places = {e["id"]: e["seq"] for e in await account.events() if e["type"] == "message.added"}
        assert places[one] <= mark["read"] < places[two]
