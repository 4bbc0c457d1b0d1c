"""Cases 3 and 6: what comes in another order, and what comes again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.rig import Account, Bench
from tests.simulators.base import Push

pytestmark = pytest.mark.timeout(120)

OUT = ("sent", "delivered", "accepted")
DONE = {200, 202, 204}


async def test_03_messages_in_another_order_are_all_there_once(bench: Bench) -> None:
    async with bench.account() as account:
        await account.hears("ann", "begin")
        pushes = [push for text in ("one", "two", "three") for push in account.simulator.say("ann", text)]
        assert set(await account.deliver([*pushes[::-1], *pushes])) <= DONE
        await account.hears("ann", "end")
        assert sorted(await account.heard()) == ["begin", "end", "one", "three", "two"]


async def test_03_a_state_that_is_told_too_early_or_too_late_never_goes_back(bench: Bench) -> None:
    bench.need("receipts", "state of a message")
    async with bench.account() as account:
        simulator = account.simulator
        last = simulator.tells[-1]
        heard = await account.hears("ann", "begin")
        # Of the answer to this call nobody has heard yet when its end is told, and what was before its end after that.
        simulator.tells_first = simulator.tells[::-1]
        sent = await account.answers(heard, "one")
        await account.state(sent, last)
        await account.hears("ann", "between")
        assert await account.outcome(sent) == last
        simulator.tells_first = ()
        (one,) = simulator.accepted
        await account.deliver(simulator.receipts(one, *simulator.tells, *simulator.tells[::-1]))
        await account.hears("ann", "end")
        assert await account.outcome(sent) == last
        told = [e["state"] for e in await account.events() if e["type"] == "delivery.updated"]
        assert sorted(told) == sorted(set(told))


async def test_06_a_callback_of_another_time_is_refused(bench: Bench) -> None:
    bench.need("stale", "time within which a callback is good")
    async with bench.account() as account:
        await account.hears("ann", "begin")
        (push,) = account.simulator.say("ann", "of another time")
        answers = [await account.simulator.post(request) for request in account.simulator.stale(push)]
        assert {(a.status, a.body) for a in answers} == {(401, b"the callback can't be verified\n")}
        await account.hears("ann", "end")
        assert await account.heard() == ["begin", "end"]


async def test_06_a_callback_that_somebody_kept_and_posts_again_adds_nothing(bench: Bench) -> None:
    async with bench.account() as account:
        if account.simulator.is_fetched:
            pytest.skip(f"excused: {bench.channel} has no callbacks")
        kept = await _all_that_is_told(account)
        await account.hears("ann", "between")
        before = {event["id"] for event in await account.events()}
        for push in kept * 2:
            assert (await account.simulator.post(push.request)).status in DONE
        end = await account.hears("ann", "end")
        assert {event["id"] for event in await account.events()} - before == {end["id"]}
        # Nor is an account ill again because it once was.
        after = await account.answers(end, "and goes on")
        await account.state(after, *OUT)


async def _all_that_is_told(account: Account) -> list[Push]:
    """One callback of each kind, delivered, with an answer of ours between them."""
    simulator = account.simulator
    is_known = simulator.can("known_as") and simulator.known_as("ann")
    heard = await account.hears("ann", "begin")
    if is_known:
        # Asked beside the messages: it might come behind all of them.
        await account.event(lambda e: e["type"] == "contact.linked")
    sent = await account.answers(heard, "one")
    await account.state(sent, *OUT)
    (one,) = simulator.accepted
    kept = simulator.say("ann", "kept")
    await account.deliver(kept)
    telling: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("receipts", (one, *simulator.tells)),
        ("comes_back", (one,)),
        ("typed_elsewhere", ("ann", "typed elsewhere")),
        ("rewrites", ("ann", "written anew")),
        ("takes_back", ("ann",)),
        ("leaves", ("ann",)),
        ("returns", ("ann",)),
        ("unlinks", ()),
        ("links", ()),
    )
    for what, arguments in telling:
        pushes = getattr(simulator, what)(*arguments) if simulator.can(what) else []
        assert set(await account.deliver(pushes)) <= DONE
        kept += pushes
    return kept
