"""One account is ill with 10,000 answers queued: all that another one has to say goes out meanwhile.

No time is asserted here; `make bench BENCH=channel` measures it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.rig import Account, Bench, running_bench
from tests.harness.queueing import Queue, publish

CHANNEL: Final = "api"
CONVERSATIONS: Final = 100
QUEUED_EACH: Final = 100
BESIDE_EACH: Final = 5

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Two replicas of the channel."""
    with running_bench(tmp_path, CHANNEL) as running:
        yield running


async def test_ten_thousand_answers_of_a_paused_account_stop_no_other_account(bench: Bench) -> None:
    async with bench.account() as ill, bench.account() as well:
        queues, others = await _conversations(ill), await _conversations(well)
        ill.simulator.script("refused")
        await _answer(ill, queues[:1], 1, "finds out")
        await ill.event(lambda e: (e.get("error") or {}).get("code") == "channel.paused")
        calls = ill.simulator.calls
        queueing = asyncio.create_task(_answer(ill, queues, QUEUED_EACH, "queued"))
        await _answer(well, others, BESIDE_EACH, "while they are queued")
        await queueing
        await _answer(well, others, BESIDE_EACH, "after")
        wanted = 2 * BESIDE_EACH * CONVERSATIONS
        await well.until(lambda: len(well.texts()) == wanted, f"all {wanted} are out", within_s=120)
        assert len(set(well.texts())) == wanted
        # The fault happened, and went on all the time: nothing of the other came out, and nobody hammered.
        assert ill.texts() == []
        assert ill.simulator.met["refused"] >= calls >= 1
        ill.simulator.repair()
        await ill.connect()
        everything = CONVERSATIONS * QUEUED_EACH + 1
        await ill.until(lambda: len(ill.texts()) == everything, "all that waited is out", within_s=240)
        assert len(set(ill.texts())) == everything


async def _conversations(account: Account) -> list[str]:
    """A conversation with each of many customers."""
    pushes = [push for n in range(CONVERSATIONS) for push in account.simulator.say(f"peer{n}", f"begin {n}")]
    for status in await asyncio.gather(*(account.simulator.deliver(push) for push in pushes)):
        assert 200 <= status < 300
    convs = {e["conv"] for e in await account.events() if e["type"] == "message.added"}
    assert len(convs) == CONVERSATIONS
    return sorted(convs)


async def _answer(account: Account, convs: list[str], each: int, name: str) -> None:
    """The agent's answers, straight into the log."""
    await publish(account.link, Queue(tenant=account.tenant, channel=CHANNEL, convs=convs, each=each, name=name))
