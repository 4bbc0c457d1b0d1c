"""Case 23: what is fetched behind a cursor is all there, once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from backbone.accounts import stores
from backbone.failpoints import CONSENT, CONSENTED, POINT
from backbone.nats.buckets import Bucket
from backbone.nats.leases import Holder
from tests.conformance.rig import LOOK_S, Account, Bench
from tests.harness.processes import Process
from tests.simulators.base import Push

pytestmark = pytest.mark.timeout(180)

WITHIN_S = 30.0
A_PAGE = 40


async def test_23_short_pages_leave_nothing_out(bench: Bench) -> None:
    bench.need("pages", "cursor")
    async with bench.account(pages=2) as account:
        texts, pushes = _said(account, "short", 7)
        # One bell, where there are any, for all that waits.
        await account.deliver(pushes[-1:])
        await _all_are_there(account, texts)


@pytest.mark.long
async def test_23_a_crash_within_a_page_and_a_lost_cursor_leave_no_gap_and_double_nothing(bench: Bench) -> None:
    bench.need("pages", "cursor")
    async with bench.account(pages=A_PAGE) as account:
        await account.hears("ann", "begin")
        texts = ["begin"]
        for what, happens in (
            ("killed", _killed_within_a_page),
            ("burned", _killed_before_the_cursor),
            ("lost", _cursor_is_lost),
        ):
            async with _nobody_fetches(bench, account):
                texts += _said(account, what, A_PAGE)[0]
                await happens(account)
            await _all_are_there(account, texts)


def _said(account: Account, what: str, count: int) -> tuple[list[str], list[Push]]:
    """Two customers take turns."""
    texts = [f"{what} {number:02}" for number in range(count)]
    pushes = [push for n, text in enumerate(texts) for push in account.simulator.say(f"{what}{n % 2}", text)]
    return texts, pushes


async def _all_are_there(account: Account, texts: list[str]) -> None:
    for text in texts[::-1]:
        await account.event(lambda e, text=text: e.get("text") == text, WITHIN_S)  # type: ignore[misc]
    events = [e for e in await account.events() if e["type"] == "message.added"]
    assert sorted(e["text"] for e in events) == sorted(texts)
    for conv in {e["conv"] for e in events}:
        said = [e["text"] for e in events if e["conv"] == conv]
        assert said == sorted(said)


@contextlib.asynccontextmanager
async def _nobody_fetches(bench: Bench, account: Account) -> AsyncIterator[None]:
    """Both replicas stop in order, and run again afterwards, whatever the block did to one of them."""
    for replica in bench.replicas:
        assert replica.process is not None
        replica.process.terminate()
        await _gone(replica)
    await _lease_runs_out(account)
    try:
        yield
    finally:
        await _lease_runs_out(account)
        for replica in bench.replicas:
            replica.start()
        for replica in bench.replicas:
            await asyncio.to_thread(replica.wait_ready)


async def _lease_runs_out(account: Account) -> None:
    """What else would take a quarter of a minute after a kill."""
    await Bucket(account.link, "leases", Holder).purge(f"poll.{account.inbox}.*")


async def _killed_within_a_page(account: Account) -> None:
    """At the first message of the page that is in the log."""
    before = len(await account.heard())
    replica = account.bench.replicas[0].start()
    deadline = time.monotonic() + WITHIN_S
    while len(await account.heard()) == before:
        assert time.monotonic() < deadline, replica.tail()
        await asyncio.sleep(LOOK_S / 10)
    replica.kill()


async def _killed_before_the_cursor(account: Account) -> None:
    """The whole page is in the log, and nobody knows."""
    replica = account.bench.replicas[0]
    before = dict(replica.environment)
    replica.environment |= {POINT: "channel.before_cursor:1", CONSENT: CONSENTED}
    try:
        replica.start()
        await _gone(replica)
    finally:
        replica.environment = before


async def _cursor_is_lost(account: Account) -> None:
    await stores.channels(account.link).purge(f"{account.tenant}.cursor.{account.inbox}.*")


async def _gone(replica: Process) -> None:
    assert replica.process is not None
    deadline = time.monotonic() + WITHIN_S
    while replica.process.poll() is None:
        assert time.monotonic() < deadline, replica.tail()
        await asyncio.sleep(LOOK_S)
