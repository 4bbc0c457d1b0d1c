"""What waits for an account or a window goes on, whoever noticed that it may; customers' files wait for no window."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from adapters.channels.kit.outgoing.deliver import FOR_EVER
from backbone.accounts import stores
from backbone.accounts.stores import Parked
from backbone.log import Log
from backbone.nats import subjects
from tests.conformance.rig import QUICK, Bench, running_bench
from tests.conformance.test_inbound import PNG
from tests.harness.processes import Process
from tests.harness.queueing import answer
from tests.harness.series import series

CHANNEL = "wechat"
CROWD = 160
AT_ONCE = 16
OUT = ("accepted", "sent")

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Two replicas of a channel with windows."""
    with running_bench(tmp_path_factory.mktemp("parked"), CHANNEL) as running:
        yield running


def metric_of(replica: Process, name: str) -> float:
    return series(replica.health).value(name, channel=CHANNEL)


async def test_what_waited_goes_out_though_nobody_had_the_lane_when_the_account_was_repaired(bench: Bench) -> None:
    async with bench.account() as account:
        conv = (await account.hears("ann", "hello"))["conv"]
        # As a replica leaves it that dies before the account is repaired.
        for replica in bench.replicas:
            replica.stop()
        subject, said = answer(account.tenant, CHANNEL, conv, "waited")
        stored = await Log(account.link).publish(subject, said)
        parked = Parked(first=stored.seq, since=said.at, until=FOR_EVER, why="pause", inbox=account.inbox)
        await stores.channels(account.link).put(stores.parked_key(account.tenant, conv), parked)
        for replica in bench.replicas:
            replica.start()
        for replica in bench.replicas:
            await asyncio.to_thread(replica.wait_ready)
        await account.state(said.id, *OUT)
        assert account.texts() == ["waited"]


@pytest.mark.rest
async def test_who_turns_out_to_be_ill_is_not_called_for_every_message(bench: Bench) -> None:
    async with bench.account() as account:
        pushes = [push for n in range(CROWD) for push in account.simulator.say(f"peer{n}", "hello")]
        for few in range(0, CROWD, AT_ONCE):
            assert set(await asyncio.gather(*map(account.simulator.deliver, pushes[few : few + AT_ONCE]))) == {200}
        convs = {e["conv"] for e in await account.events()}
        assert len(convs) == CROWD
        account.simulator.script("refused")
        log = Log(account.link)
        said = [answer(account.tenant, CHANNEL, conv, "answer") for conv in convs]
        began = time.monotonic()
        await asyncio.gather(*(log.publish(*each) for each in said))
        for _, each in said:
            waits = await account.state(each.id, "failed")
            assert (waits["error"]["code"], waits["error"].get("final", False)) == ("channel.paused", False)
        oldest = [
            await asyncio.to_thread(metric_of, replica, "trunkline_channel_oldest_unsent_seconds")
            for replica in bench.replicas
        ]
        assert 0 < max(oldest) <= time.monotonic() - began + 1
        # At most those that were under way on each replica, and a look now and then at whether it is well.
        under_way = len(bench.replicas) * bench.contract.caps.parallel
        looks = len(bench.replicas) * (1 + 2 * (time.monotonic() - began) / float(QUICK["TRUNKLINE_CHANNEL_CHECK_S"]))
        assert under_way * 1.5 < CROWD
        assert 1 <= account.simulator.calls <= under_way + looks


@pytest.mark.rest
async def test_a_picture_that_the_platform_keeps_back_holds_up_nobody_and_is_fetched_by_whoever_has_the_lane_then(
    bench: Bench,
) -> None:
    async with bench.account() as account:
        account.simulator.keeps_back = 1_000_000
        heard = await account.hears("ann", "", kind="image", content=PNG)
        bucket = stores.channels(account.link)
        async with asyncio.timeout(20):
            while not await bucket.keys(subjects.key_filter(account.tenant, "unfetched", heard["conv"])):
                await asyncio.sleep(0.05)
        # Neither what we say nor what the customer says waits behind it.
        await account.state(await account.answers(heard, "it isn't here yet"), *OUT)
        await account.hears("ann", "a moment")
        for replica in bench.replicas:
            replica.kill()
        account.simulator.keeps_back = 0
        for replica in bench.replicas:
            replica.start()
        for replica in bench.replicas:
            await asyncio.to_thread(replica.wait_ready)
        edited = await account.event(lambda e: e["type"] == "message.edited", within_s=60)
        assert (edited["target"], edited["attachments"][0]["bytes"]) == (heard["id"], len(PNG))
        async with asyncio.timeout(20):
            while await bucket.keys(subjects.key_filter(account.tenant, "unfetched", heard["conv"])):
                await asyncio.sleep(0.05)


async def test_a_picture_that_came_while_the_account_was_ill_is_there_after_its_repair(bench: Bench) -> None:
    async with bench.account() as account:
        heard = await account.hears("ann", "hello")
        account.simulator.script("refused")
        waits = await account.answers(heard, "waits")
        await account.event(lambda e: (e.get("error") or {}).get("code") == "channel.paused")
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PNG))
        # Of somebody who has no answer waiting, too.
        await account.deliver(account.simulator.say("ben", "", kind="image", content=PNG))
        behind = await account.answers(heard, "behind")
        account.simulator.repair()
        await account.connect()
        for each in (waits, behind):
            await account.state(each, *OUT)
        assert account.texts() == ["waits", "behind"]
        for conv in {e["conv"] for e in await account.events()}:
            edited = await account.event(lambda e, conv=conv: e["type"] == "message.edited" and e["conv"] == conv)
            assert edited["attachments"][0]["bytes"] == len(PNG)


async def test_a_picture_by_which_the_customer_opens_the_window_is_fetched(bench: Bench) -> None:
    async with bench.account() as account:
        heard = await account.hears("ann", "hello")
        account.simulator.script("window")
        waits = await account.answers(heard, "waits")
        await account.event(lambda e: (e.get("error") or {}).get("code") == "channel.window_platform")
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PNG))
        edited = await account.event(lambda e: e["type"] == "message.edited")
        assert edited["attachments"][0]["bytes"] == len(PNG)
        await account.state(waits, *OUT)
