"""Case 18, the way in: files of customers that are gone or not there yet, too large or not what they are said to be.

Each place that was kept for one is settled, with its bytes or with a reason, and the conversation goes on.
"""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.conformance.rig import QUICK, WITHIN_S, Account, Bench, Numbered
from tests.conformance.test_files import OUT, PDF
from tests.conformance.test_inbound import PNG

pytestmark = pytest.mark.timeout(120)

MOST_BYTES = int(QUICK["TRUNKLINE_CHANNEL_FILE_BYTES"])
PROGRAM = b"MZ" + bytes(128)
REASON = re.compile(r"\S+ \((?P<reason>.+)\)")
"""The name of a file that can't be had, as the desk shows it in the file's place."""

RAW = ("Rejected", "MediaGone", "Retry", "Pause", "Unknown")
"""What the kit calls a fault; no word for an agent."""


@pytest.mark.parametrize("happens", ["loses_files", "ends_files"])
async def test_18_a_file_of_a_customer_that_the_platform_no_longer_gives_keeps_its_place_and_says_why(
    bench: Bench, happens: str
) -> None:
    _need_fetching(bench)
    if happens == "ends_files":
        bench.need(happens, "time for which it keeps files")
    async with bench.account() as account:
        pushes = account.simulator.say("ann", "", kind="image", content=PNG)
        getattr(account.simulator, happens)()
        await account.deliver(pushes)
        _is_refused(await _settled(account))
        await _goes_on(account)


async def test_18_a_file_of_a_customer_that_is_not_ready_yet_is_fetched_later(bench: Bench) -> None:
    _need_fetching(bench)
    async with bench.account() as account:
        account.simulator.keeps_back = 2
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PNG))
        settled = await _settled(account)
        assert account.simulator.keeps_back == 0
        assert await account.sha256(settled) == hashlib.sha256(PNG).hexdigest()
        await _goes_on(account)


@pytest.mark.long
async def test_18_a_file_of_a_customer_that_is_never_ready_is_given_up(bench: Bench) -> None:
    _need_fetching(bench)
    async with bench.account() as account:
        account.simulator.keeps_back = 1000
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PNG))
        _is_refused(await _settled(account, within_s=60))
        await _goes_on(account)


async def test_18_a_file_of_a_customer_that_is_too_large_says_so(bench: Bench) -> None:
    _need_fetching(bench)
    async with bench.account() as account:
        large = PNG + bytes(MOST_BYTES + 1 - len(PNG))
        await account.deliver(account.simulator.say("ann", "", kind="image", content=large))
        assert f"{MOST_BYTES // 1_048_576} MiB" in _is_refused(await _settled(account))
        await _goes_on(account)


async def test_18_a_file_of_a_customer_that_is_of_another_type_than_it_says_is_kept_as_what_it_is(bench: Bench) -> None:
    _need_fetching(bench)
    async with bench.account() as account:
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PDF))
        settled = await _settled(account)
        (found,) = settled["attachments"]
        assert (found["mime"], found["bytes"]) == ("application/pdf", len(PDF))
        assert await account.sha256(settled) == hashlib.sha256(PDF).hexdigest()
        await _goes_on(account)


async def test_18_a_program_that_a_customer_sends_as_a_picture_is_refused(bench: Bench) -> None:
    _need_fetching(bench)
    async with bench.account() as account:
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PROGRAM))
        assert "Programs" in _is_refused(await _settled(account))
        await _goes_on(account)


def _need_fetching(bench: Bench) -> None:
    if not hasattr(bench.contract, "get_media"):
        pytest.skip(f"excused: {bench.channel} fetches no files of customers")


async def _settled(account: Account, within_s: float = WITHIN_S) -> Numbered:
    """The edit that settles the file of the only message."""
    said = await account.event(lambda e: e["type"] == "message.added")
    assert [(place["file"], bool(place["ref"])) for place in said["attachments"]] == [("", True)]
    settled = await account.event(lambda e: e["type"] == "message.edited", within_s)
    assert settled["target"] == said["id"]
    return settled


def _is_refused(settled: Numbered) -> str:
    """The place is kept for nobody any more; why, in words."""
    (place,) = settled["attachments"]
    assert (place["file"], place.get("ref", "")) == ("", "")
    told = REASON.fullmatch(place["name"])
    assert told, place
    assert not told["reason"].startswith(RAW)
    return told["reason"]


async def _goes_on(account: Account) -> None:
    """Nothing waits behind the file, neither the customer's words nor the agent's; and nothing was tried once more."""
    heard = await account.hears("ann", "did you get it?")
    await account.state(await account.answers(heard, "let me see"), *OUT)
    assert account.texts("ann") == ["let me see"]
    assert [e["type"] for e in await account.events()].count("message.edited") == 1
