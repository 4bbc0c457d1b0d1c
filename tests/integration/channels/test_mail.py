"""Mail over the whole path, desk to server: what it is called, what stands below it, who doesn't get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.rig import Bench, running_bench
from tests.simulators.email import EmailSimulator

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

BOSS = "boss@customer.example"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A system with two replicas of e-mail."""
    with running_bench(tmp_path, "email") as running:
        yield running


@pytest.mark.rest
async def test_who_gets_no_copy_is_told_of_a_message_that_was_sent(bench: Bench) -> None:
    async with bench.account() as account:
        assert isinstance(account.simulator, EmailSimulator)
        heard = await account.hears("ann@customer.example", "hello", headers={"Cc": BOSS})
        account.simulator.smtp.replies["RCPT"] = ["", "550 5.1.1 no such user"]
        told = await account.state(await account.answers(heard, "good morning"), "sent")
        assert told["error"]["code"] == "channel.partly"
        assert told["error"]["text"] == f"No copy went to {BOSS}: 550 5.1.1 no such user"
        assert account.texts() == ["good morning"]


async def test_an_answer_is_called_what_the_customer_calls_it_by_now(bench: Bench) -> None:
    """Not what the conversation was called first."""
    async with bench.account() as account:
        simulator = account.simulator
        assert isinstance(simulator, EmailSimulator)
        heard = await account.hears("ann@customer.example", "in L?", subject="Bestellung 4711: Größe L?")
        await account.state(await account.answers(heard, "yes"), "sent")
        # A mail that answers ours, under the subject of another matter.
        other = await account.hears("ann@customer.example", "it is broken", subject="Lampe kaputt")
        assert other["conv"] == heard["conv"]
        await account.state(await account.answers(other, "we send another"), "sent")
        assert [each.more["subject"] for each in simulator.accepted] == [
            "Re: Bestellung 4711: Größe L?",
            "Re: Lampe kaputt",
        ]
        assert account.texts() == ["yes", "we send another"]


@pytest.mark.rest
async def test_the_customers_last_words_stand_below_an_answer_where_the_inbox_wants_them(bench: Bench) -> None:
    async with bench.account(quotes=True) as account:
        asked = await account.hears("ann@customer.example", "when?")
        await account.state(await account.answers(asked, "tomorrow"), "sent")
        assert account.texts()[-1].startswith("tomorrow\n\n2")
        assert account.texts()[-1].endswith(":\n> when?")
