"""Beside the messages: the customer sees that somebody types and reads, the agent sees who the customer is."""

from __future__ import annotations

import pytest

from backbone.ids import key_hash
from tests.conformance.rig import Bench

pytestmark = pytest.mark.timeout(120)

OUT = ("sent", "delivered", "accepted")


async def test_the_customer_is_shown_that_an_agent_types(bench: Bench) -> None:
    bench.need("shown_typing", "typing")
    async with bench.account() as account:
        heard = await account.hears("ann", "hello")
        await account.state(await account.answers(heard, "one moment"), *OUT)
        await account.agent.subscribe(heard["conv"])
        for _ in range(5):
            # A key is pressed again and again; the platform is told now and then.
            await account.agent.say({"t": "signal", "conv": heard["conv"], "kind": "typing"})
        await account.until(lambda: account.simulator.shown_typing("ann") > 0, "typing is shown")
        await account.agent.say({"t": "signal", "conv": heard["conv"], "kind": "viewing"})
        await account.state(await account.answers(heard, "here it is"), *OUT)
        assert account.simulator.shown_typing("ann") == 1


async def test_the_customer_is_shown_what_the_agent_has_read(bench: Bench) -> None:
    bench.need("shown_read", "reading")
    async with bench.account() as account:
        heard = await account.hears("ann", "hello")
        await account.agent.act(heard["conv"], "take")
        assert account.simulator.shown_read("ann") == 0
        await account.agent.say({"t": "mark", "conv": heard["conv"], "read": heard["seq"]})
        await account.until(lambda: account.simulator.shown_read("ann") == 1, "it is shown as read")


async def test_the_agent_is_told_who_the_customer_is(bench: Bench) -> None:
    bench.need("known_as", "names")
    async with bench.account() as account:
        name, vouched = account.simulator.known_as("ann")
        heard = await account.hears("ann", "hello")
        linked = await account.event(lambda e: e["type"] == "contact.linked")
        assert (linked["conv"], linked.get("name", "")) == (heard["conv"], name)
        # One that tells only a name vouches for nothing.
        assert linked.get("identities", {}) == {kind: key_hash(value) for kind, value in vouched.items()}
