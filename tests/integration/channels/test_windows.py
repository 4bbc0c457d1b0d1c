"""An account whose platform lets people answer for longer than its channel's window does so, and another waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.rig import Account, Bench, Numbered, running_bench

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120), pytest.mark.rest]

DAY_S = 86_400
OUT = ("sent", "delivered", "accepted")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A system with Messenger."""
    with running_bench(tmp_path_factory.mktemp("messenger"), "messenger") as running:
        yield running


async def _heard_yesterday(account: Account) -> Numbered:
    account.simulator.clock.advance(-DAY_S - 60)
    heard = await account.hears("ann", "yesterday")
    account.simulator.clock.advance(DAY_S + 60)
    return heard


async def test_people_answer_after_a_day_where_the_account_may(bench: Bench) -> None:
    async with bench.account(human_agent=True) as account:
        account.simulator.human_agent_s = 7 * DAY_S  # type: ignore[attr-defined]
        sent = await account.answers(await _heard_yesterday(account), "sorry for the wait")
        await account.state(sent, *OUT)
        (one,) = account.simulator.accepted
        assert (one.text, one.more["tag"]) == ("sorry for the wait", "HUMAN_AGENT")


async def test_an_account_without_it_waits_for_the_customer(bench: Bench) -> None:
    async with bench.account() as account:
        sent = await account.answers(await _heard_yesterday(account), "too late")
        why = await account.state(sent, "failed")
        assert why["error"]["code"] == "channel.window_time"
        assert account.simulator.calls == 0
