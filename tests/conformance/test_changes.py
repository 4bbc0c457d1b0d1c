"""Cases 20 and 22: what our side said that comes back, and what customers and owners change."""

from __future__ import annotations

import pytest

from tests.conformance.rig import Bench

pytestmark = pytest.mark.timeout(120)

OUT = ("sent", "delivered", "accepted")


async def test_20_our_own_message_that_comes_back_is_a_receipt(bench: Bench) -> None:
    bench.need("comes_back", "message of ours")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        sent = await account.answers(heard, "ours")
        await account.state(sent, *OUT)
        (one,) = account.simulator.accepted
        await account.deliver(account.simulator.comes_back(one))
        await account.hears("ann", "end")
        added = [(e["by"]["kind"], e["text"]) for e in await account.events() if e["type"] == "message.added"]
        assert added == [("visitor", "begin"), ("agent", "ours"), ("visitor", "end")]
        assert await account.outcome(sent) in OUT


async def test_20_what_an_agent_types_in_the_platforms_app_is_recorded_as_an_agents(bench: Bench) -> None:
    bench.need("typed_elsewhere", "agent in its own app")
    async with bench.account() as account:
        await account.hears("ann", "begin")
        told = account.simulator.typed_elsewhere("ann", "from the phone")
        await account.deliver(told)
        typed = await account.event(lambda e: e.get("text") == "from the phone")
        assert (typed["type"], typed["by"]["kind"]) == ("message.added", "agent")
        heard = await account.hears("ann", "end")
        sent = await account.answers(heard, "from the desk")
        await account.state(sent, *OUT)
        # It's there already: nothing sends it once more.
        assert account.texts() == ["from the desk"]


async def test_22_a_text_that_the_customer_changes_is_changed(bench: Bench) -> None:
    bench.need("rewrites", "changed message")
    async with bench.account() as account:
        heard = await account.hears("ann", "two shirts")
        await account.deliver(account.simulator.rewrites("ann", "three shirts"))
        edited = await account.event(lambda e: e["type"] == "message.edited")
        assert (edited["target"], edited["text"], edited["by"]["kind"]) == (heard["id"], "three shirts", "visitor")


async def test_22_a_message_that_the_customer_withdraws_is_withdrawn(bench: Bench) -> None:
    bench.need("takes_back", "withdrawn message")
    async with bench.account() as account:
        heard = await account.hears("ann", "a secret")
        await account.deliver(account.simulator.takes_back("ann"))
        recalled = await account.event(lambda e: e["type"] == "message.recalled")
        assert (recalled["target"], recalled["by"]["kind"]) == (heard["id"], "visitor")


async def test_22_nothing_is_sent_to_who_left_until_they_return(bench: Bench) -> None:
    bench.need("leaves", "customer who leaves")
    async with bench.account() as account:
        simulator = account.simulator
        heard = await account.hears("ann", "begin")
        await account.deliver(simulator.leaves("ann"))
        left = await account.event(lambda e: e.get("kind") == "event" and e["text"] == "blocked")
        assert left["by"]["kind"] == "visitor"
        sent = [await account.answers(heard, text) for text in ("are you there?", "hello?")]
        for each in sent:
            why = await account.state(each, "failed")
            assert (why["error"]["code"], why["error"]["final"]) == ("channel.rejected", True)
            assert why["error"]["text"]
        assert simulator.calls == 0
        beside = await account.answers(await account.hears("ben", "I'm still here"), "good")
        await account.state(beside, *OUT)
        await account.deliver(simulator.returns("ann"))
        await account.event(lambda e: e.get("kind") == "event" and e["text"] != "blocked")
        after = await account.answers(heard, "welcome back")
        await account.state(after, *OUT)
        assert account.texts("ann") == ["welcome back"]


async def test_22_an_account_whose_owner_ends_the_permission_waits_until_they_give_it_again(bench: Bench) -> None:
    bench.need("unlinks", "permission that ends")
    async with bench.account() as account:
        simulator = account.simulator
        heard = await account.hears("ann", "begin")
        await account.deliver(simulator.unlinks())
        await account.is_ill()
        sent = [await account.answers(heard, text) for text in ("one", "two")]
        why = await account.state(sent[0], "failed")
        assert (why["error"]["code"], why["error"].get("final", False)) == ("channel.paused", False)
        assert why["error"]["text"]
        assert simulator.calls == 0
        await account.deliver(simulator.links())
        for each in sent:
            await account.state(each, *OUT)
        assert account.texts("ann") == ["one", "two"]
