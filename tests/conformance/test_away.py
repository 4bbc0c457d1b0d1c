"""Case 4: the log is slow, away, or takes nothing more while a platform calls."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.rig import Bench

pytestmark = pytest.mark.timeout(120)

SLOW_S = 1.0
REFUSED = 503


async def test_04_a_slow_log_is_waited_for_and_one_that_is_away_is_said_in_time(bench: Bench) -> None:
    async with bench.account() as account:
        simulator = account.simulator
        await account.hears("ann", "begin")
        with bench.stopped_log():
            slow = simulator.say("ann", "slow")
            answering = [asyncio.create_task(simulator.post(push.request)) for push in slow]
            await asyncio.sleep(SLOW_S)
        assert {(await each).status for each in answering} <= {200, 202, 204}
        await account.hears("ann", "next")
        with bench.stopped_log():
            away = simulator.say("ann", "away")
            # Status 0 would mean that the platform's own time was over.
            assert {(await simulator.post(push.request)).status for push in away} <= {REFUSED}
        assert set(await account.deliver(away)) <= {200, 202, 204}
        await account.hears("ann", "end")
        assert await account.heard() == ["begin", "slow", "next", "away", "end"]


@pytest.mark.long
async def test_04_a_log_that_takes_nothing_is_said_in_time_and_what_comes_again_is_stored_once(bench: Bench) -> None:
    async with bench.account() as account:
        simulator = account.simulator
        await account.hears("ann", "begin")
        pushes = simulator.say("ann", "meanwhile") if not simulator.is_fetched and not simulator.rings else []
        if not pushes:
            pytest.skip(f"excused: a callback of {bench.channel} holds nothing to be stored")
        # No room for one more byte.
        async with bench.log_with(account.link, max_bytes=1):
            assert {(await simulator.post(push.request)).status for push in pushes} == {REFUSED}
        assert set(await account.deliver(pushes)) <= {200, 202, 204}
        await account.hears("ann", "end")
        assert await account.heard() == ["begin", "meanwhile", "end"]
