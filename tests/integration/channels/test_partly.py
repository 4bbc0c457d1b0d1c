"""A message that went out, though not to all: what the log says of it."""

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
