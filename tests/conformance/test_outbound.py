"""Cases 9 to 16 and 19: what goes out, through faults of the platform, closed windows, limits and killed replicas."""

from __future__ import annotations

import asyncio
import random

import pytest

from adapters.channels.kit.outgoing.split import size
from adapters.channels.kit.replay import replay
from backbone.nats.dead import Letter, letters
from tests.conformance.rig import LOOK_S, WITHIN_S, Account, Bench

pytestmark = pytest.mark.timeout(180)

OUT = ("sent", "delivered", "accepted")


async def _goes_on(account: Account, fault: str, *, states: tuple[str, ...] = OUT) -> None:
    """One message meets the fault, a second follows: both arrive, once, in order."""
    heard = await account.hears("ann", "begin")
    account.simulator.script(fault)
    first = await account.answers(heard, "one")
    second = await account.answers(heard, "two")
    outcome = await account.state(first, *states)
    await account.state(second, *OUT)
    # What the log says of it is what the platform has: `sent` only if it is there.
    if outcome["state"] != "unknown":
        assert account.texts("ann").count("one") == 1
    assert account.texts("ann")[-1] == "two"
    assert account.texts("ann").count("two") == 1


async def test_09_a_token_that_expires_under_parallel_sends_costs_no_message_and_no_order(bench: Bench) -> None:
    async with bench.account() as account:
        account.need("token")
        heard = [await account.hears(f"peer{n}", f"begin {n}") for n in range(5)]
        account.simulator.script("token")
        ones = await asyncio.gather(*(account.answers(one, "one") for one in heard))
        twos = await asyncio.gather(*(account.answers(one, "two") for one in heard))
        for sent in (*ones, *twos):
            await account.state(sent, *OUT)
        assert account.simulator.met["token"] == 1
        assert [account.texts(f"peer{n}") for n in range(5)] == [["one", "two"]] * 5


async def test_10_an_account_that_is_refused_waits_until_it_is_repaired(bench: Bench) -> None:
    async with bench.account() as account:
        account.need("refused")
        heard = await account.hears("ann", "begin")
        account.simulator.script("refused")
        sent = [await account.answers(heard, f"line {n}") for n in range(3)]
        why = await account.state(sent[0], "failed")
        assert (why["error"]["code"], why["error"].get("final", False)) == ("channel.paused", False)
        calls = account.simulator.calls
        account.simulator.repair()
        await account.connect()
        await account.state(sent[-1], *OUT)
        assert account.texts("ann") == ["line 0", "line 1", "line 2"]
        assert calls == 1


async def test_11_a_limit_is_waited_for_and_stops_no_other_account(bench: Bench) -> None:
    async with bench.account() as account, bench.account() as other:
        heard, others = await account.hears("ann", "begin"), await other.hears("ann", "begin")
        account.simulator.script("limited", after_s=1.0)
        began = asyncio.get_running_loop().time()
        sent = await account.answers(heard, "late")
        await account.until(lambda: account.simulator.met["limited"] == 1, "the platform sets its limit")
        beside = await other.answers(others, "at once")
        await other.state(beside, *OUT)
        if not account.simulator.tells_when:
            # The kit waits by the platform's own rule, a minute say.
            assert (account.texts(), account.simulator.calls) == ([], 1)
            return
        await account.state(sent, *OUT)
        assert account.texts() == ["late"]
        assert account.simulator.accepted[0].at
        assert asyncio.get_running_loop().time() - began >= 0.9


@pytest.mark.parametrize("fault", ["500", pytest.param("html502", marks=pytest.mark.rest), "busy"])
async def test_12_a_platform_that_stumbles_gets_it_once_in_the_end(bench: Bench, fault: str) -> None:
    async with bench.account() as account:
        account.need(fault)
        await _goes_on(account, fault)
        assert account.texts("ann") == ["one", "two"]


@pytest.mark.parametrize("fault", ["reset", pytest.param("empty", marks=pytest.mark.rest)])
async def test_12_an_answer_that_never_came_is_sent_once_or_said_to_be_unknown(bench: Bench, fault: str) -> None:
    async with bench.account() as account:
        account.need(fault)
        await _goes_on(account, fault, states=(*OUT, "unknown"))
        assert account.texts("ann") in (["one", "two"], ["two"])


async def test_13_what_was_accepted_without_an_answer_is_never_there_twice(bench: Bench) -> None:
    async with bench.account() as account:
        await _goes_on(account, "lost", states=(*OUT, "unknown"))
        assert account.texts("ann") == ["one", "two"]


@pytest.mark.long
async def test_13_an_answer_that_takes_long_holds_up_nobody_else(bench: Bench) -> None:
    async with bench.account() as account:
        ann, ben = [await account.hears(peer, f"{peer} begins") for peer in ("ann", "ben")]
        account.simulator.script("slow")
        first = await account.answers(ann, "slow")
        await account.until(lambda: account.simulator.met["slow"] == 1, "the platform takes its time")
        second = await account.answers(ann, "behind it")
        beside = await account.answers(ben, "beside it")
        await account.state(beside, *OUT)
        assert "behind it" not in account.texts("ann")
        account.simulator.hurry()
        for each in (first, second):
            await account.state(each, *OUT)
        assert account.texts("ann") == ["slow", "behind it"]


@pytest.mark.long
async def test_21_what_was_given_up_is_told_with_its_reason_and_sent_once_when_it_is_wanted(bench: Bench) -> None:
    async with bench.account() as account:
        simulator = account.simulator
        # The tries may have used up what one customer is sent in some time.
        within_s = WITHIN_S + max((rate.seconds for rate in bench.contract.caps.rates if rate.per == "peer"), default=0)
        fault = next(f for f in ("500", "busy", "reset") if f not in simulator.excused | simulator.waits_long)
        heard = await account.hears("ann", "begin")
        account.simulator.script(fault, n=100)
        sent = await account.answers(heard, "given up")
        why = await account.state(sent, "failed", within_s=60)
        assert (why["error"]["code"], why["error"]["final"]) == ("channel.gave_up", True)
        # It is buried after it was told. Beside it there may be what a case before this one left there.
        async with asyncio.timeout(20):
            while not (found := [one for one in await _letters(account) if sent.encode() in one.raw]):
                await asyncio.sleep(LOOK_S)
        (letter,) = found
        assert letter.reason
        account.simulator.repair()
        assert account.texts("ann") == []
        assert await replay(account.link, letter)
        await account.state(sent, *OUT, within_s=within_s)
        after = await account.answers(heard, "and then")
        await account.state(after, *OUT, within_s=within_s)
        assert account.texts("ann") == ["given up", "and then"]
        assert not await replay(account.link, letter)
        assert letter.number not in [one.number for one in await _letters(account)]


async def _letters(account: Account) -> list[Letter]:
    return await letters(account.link, account.tenant, account.bench.channel)


async def test_15_a_window_that_the_platform_closes_opens_with_the_next_message(bench: Bench) -> None:
    async with bench.account() as account:
        account.need("window")
        heard = await account.hears("ann", "begin")
        account.simulator.script("window")
        sent = await account.answers(heard, "too late")
        why = await account.state(sent, "failed")
        assert why["error"]["code"] == "channel.window_platform"
        calls = account.simulator.calls
        after = await account.answers(heard, "and later")
        await account.hears("ann", "here I am")
        await account.state(after, *OUT)
        assert account.texts("ann") == ["too late", "and later"]
        assert account.simulator.calls == calls + 2


@pytest.mark.long
async def test_15_a_window_that_is_used_up_opens_with_the_next_message(bench: Bench) -> None:
    count = next((w.count for w in bench.contract.caps.windows if w.by == "message"), 0)
    if not count:
        pytest.skip(f"excused: {bench.channel} counts no messages")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        sent = [await account.answers(heard, f"line {number}") for number in range(count + 2)]
        for each in sent[:count]:
            await account.state(each, *OUT)
        why = await account.state(sent[count], "failed")
        assert (why["error"]["code"], why["error"].get("final", False)) == ("channel.window_count", False)
        assert account.simulator.calls == count
        await account.hears("ann", "here I am")
        await account.state(sent[-1], *OUT)
        assert account.texts("ann") == [f"line {number}" for number in range(count + 2)]
        assert account.simulator.calls == count + 2


@pytest.mark.long
async def test_15_a_window_that_is_over_opens_with_the_next_message(bench: Bench) -> None:
    seconds = next((w.seconds for w in bench.contract.caps.windows if w.by == "message"), 0)
    if not seconds:
        pytest.skip(f"excused: {bench.channel} has no window")
    async with bench.account() as account:
        # What the platform delivers late was said when it says.
        account.simulator.clock.advance(-seconds - 60)
        heard = await account.hears("ann", "long ago")
        account.simulator.clock.advance(seconds + 60)
        sent = await account.answers(heard, "too late")
        why = await account.state(sent, "failed")
        assert (why["error"]["code"], why["error"].get("final", False)) == ("channel.window_time", False)
        assert account.simulator.calls == 0
        await account.hears("ann", "here I am")
        await account.state(sent, *OUT)
        assert account.texts("ann") == ["too late"]


async def test_16_a_text_of_exactly_the_limit_is_one_part_and_a_letter_more_makes_two(bench: Bench) -> None:
    most, measure = bench.contract.caps.text
    if "text" not in bench.contract.caps.kinds or most > 10_000:
        pytest.skip(f"excused: {bench.channel} takes texts of {most}")
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        # A character of four bytes on the edge.
        whole = "a" * (most - size("😀", measure)) + "😀"
        assert size(whole, measure) == most
        await account.state(await account.answers(heard, whole), *OUT)
        assert account.texts("ann") == [whole]
        sent = await account.answers(heard, whole + "b")
        await account.event(lambda e: e.get("target") == sent and e.get("part", 0) == 1 and e["state"] in OUT)
        assert "".join(account.texts("ann")[1:]) == whole + "b"
        assert len(account.texts("ann")) == 3


async def test_16_a_long_text_goes_out_in_parts_that_are_the_text(bench: Bench) -> None:
    most, measure = bench.contract.caps.text
    async with bench.account() as account:
        if "text" not in bench.contract.caps.kinds or most > 10_000:
            pytest.skip(f"excused: {bench.channel} takes texts of {most}")
        heard = await account.hears("ann", "begin")
        text = ("字😀 word. " * most)[: most + most // 2]
        sent = await account.answers(heard, text)
        last = await account.state(sent, *OUT)
        await account.event(
            lambda e: e.get("target") == sent and e.get("part", 0) == last.get("parts", 1) - 1 and e["state"] in OUT
        )
        assert "".join(account.texts("ann")) == text
        assert all(size(part, measure) <= most for part in account.texts("ann"))


async def test_14_a_replica_killed_while_it_sends_loses_nothing_and_doubles_nothing(bench: Bench) -> None:
    rng = random.Random(7)
    async with bench.account() as account:
        heard = [await account.hears(f"peer{n}", f"begin {n}") for n in range(6)]
        sent: list[str] = []
        for turn in range(4):
            sent += [await account.answers(one, f"{one['conv'][-4:]} {turn}") for one in heard]
            if turn in {1, 2}:
                victim = bench.replicas[rng.randrange(2)]
                # On this thread: a process ends with the thread that started it.
                victim.kill()
                victim.start()
        for replica in bench.replicas:
            await asyncio.to_thread(replica.wait_ready)
        states = [await account.state(one, *OUT, "unknown", within_s=90) for one in sent]
        unknown = sum(s["state"] == "unknown" for s in states)
        for one, number in zip(heard, range(6), strict=True):
            got = account.texts(f"peer{number}")
            wanted = [f"{one['conv'][-4:]} {turn}" for turn in range(4)]
            assert [t for t in wanted if t in got] == got
            assert len(got) >= len(wanted) - unknown
