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


async def test_22_a_correction_stands_also_where_the_file_comes_later(bench: Bench) -> None:
    bench.need("corrects_caption", "file whose words can be changed")
    async with bench.account() as account:
        simulator = account.simulator
        simulator.keeps_back = 3
        first, second = simulator.corrects_caption("ann", "order 123", "order 124")
        await account.deliver(first)
        await account.event(lambda e: e["type"] == "message.added")
        await account.deliver(second)
        filled = await account.event(lambda e: any(f["file"] for f in e.get("attachments", [])), 60)
        assert filled["text"] == "order 124"
        texts = [e["text"] for e in await account.events() if e["type"] == "message.edited"]
        assert texts[-1] == "order 124"


async def test_22_what_a_colleague_withdraws_in_the_platforms_app_an_agent_withdrew(bench: Bench) -> None:
    bench.need("withdraws_elsewhere", "agent who withdraws in its own app")
    async with bench.account() as account:
        await account.hears("ann", "begin")
        said, back = account.simulator.withdraws_elsewhere("ann", "from the phone")
        await account.deliver(said)
        typed = await account.event(lambda e: e.get("text") == "from the phone")
        await account.deliver(back)
        recalled = await account.event(lambda e: e["type"] == "message.recalled")
        assert (recalled["target"], recalled["by"]["kind"]) == (typed["id"], "agent")


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "found out"])
async def test_22_who_is_called_otherwise_stays_the_same_customer(bench: Bench, is_told: bool) -> None:  # noqa: FBT001
    bench.need("moves", "customer who gets another id")
    async with bench.account() as account:
        heard = await account.hears("ann", "hello")
        told = account.simulator.moves("ann")
        if is_told:
            await account.deliver(told)
            await account.event(lambda e: e.get("kind") == "event" and e["text"] == "moved")
        elif not account.simulator.finds_out_by_sending:
            pytest.skip("the platform tells it, and takes what is sent to the old id")
        sent = await account.answers(heard, "still here?")
        await account.state(sent, *OUT)
        assert account.texts("ann") == ["still here?"]


async def test_22_what_is_refused_later_waits_like_what_is_refused_at_once(bench: Bench) -> None:
    bench.need("refuses_later", "refusal that comes by a status")
    async with bench.account() as account:
        simulator = account.simulator
        simulator.reports = ()
        sent = await account.answers(await account.hears("ann", "begin"), "are you there?")
        await account.state(sent, *OUT)
        await account.deliver(simulator.refuses_later(simulator.accepted[0], is_window=True))
        why = await account.state(sent, "failed")
        assert (why["error"]["code"], why["error"].get("final", False)) == ("channel.window_platform", False)
        before = len(simulator.accepted)
        await account.hears("ann", "yes I am")
        await account.until(lambda: len(simulator.accepted) == before + 1, "it goes out once the customer writes")
        await account.state(sent, *OUT)
        keys = [one.key for one in simulator.accepted]
        assert len(set(keys)) == len(keys), "a used key would settle the former sending"


async def test_22_what_is_refused_later_for_a_moment_is_sent_again(bench: Bench) -> None:
    bench.need("refuses_later", "refusal that comes by a status")
    async with bench.account() as account:
        simulator = account.simulator
        simulator.reports = ()
        sent = await account.answers(await account.hears("ann", "begin"), "hello")
        await account.state(sent, *OUT)
        await account.deliver(simulator.refuses_later(simulator.accepted[-1], is_window=False))
        why = await account.state(sent, "failed")
        assert (why["error"]["code"], why["error"].get("final", False)) == ("channel.refused_later", False)
        await account.until(lambda: len(simulator.accepted) == 2, "it is sent again", 60)
        assert simulator.accepted[0].key != simulator.accepted[1].key, "a used key would settle the former sending"


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


async def test_22_an_agent_withdraws_a_message_with_all_its_parts(bench: Bench) -> None:
    caps = bench.contract.caps
    if not caps.recalls:
        pytest.skip("excused: the platform lets nothing be withdrawn")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        # A node takes 16 KiB.
        parts = 2 if caps.text[0] < 8000 else 1
        sent = await account.answers(heard, "word " * (caps.text[0] // 5 + 10) if parts == 2 else "word")
        await account.state(sent, *OUT)
        await account.until(lambda: len(account.simulator.accepted) == parts, "all parts went out")
        await account.changes(heard, sent, None)
        await account.until(lambda: len(account.simulator.withdrawn) == parts, "all are withdrawn")


async def test_22_an_agent_changes_a_message_and_hears_if_the_platform_does_not(bench: Bench) -> None:
    if not bench.contract.caps.edits:
        pytest.skip("excused: the platform lets nothing be changed")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        sent = await account.answers(heard, "tomorow")
        await account.state(sent, *OUT)
        await account.changes(heard, sent, "tomorrow")
        await account.until(lambda: account.simulator.changed == ["tomorrow"], "the customer sees the new text")
