"""Cases 1 to 8, 17 and 24: what comes in from a platform, as it comes, doubled, forged, broken or strange."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backbone.channel import Request
from tests.conformance.rig import Bench

STRANGE = (
    "emoji 😀 and a family 👨‍👩‍👧‍👦",
    "中文，繁體字，日本語",
    "rtl שלום مرحبا",
    "line\u2028separator",
    "]]> <b>&amp;</b>",
    "quotes \" \\ ' and /",
)

NANOSECONDS = 10**9
"""Of a second: what the log counts its windows in."""

pytestmark = pytest.mark.timeout(120)


async def test_01_a_handshake_is_answered_as_the_platform_wants_it(bench: Bench) -> None:
    async with bench.account() as account:
        for request, status, body in account.simulator.handshakes():
            answered = await account.simulator.post(request)
            assert answered.status == status
            assert status >= 400 or answered.body == body


async def test_02_a_callback_delivered_six_times_is_one_message(bench: Bench) -> None:
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        pushes = account.simulator.say("ann", "once")
        at_once = await asyncio.gather(*(account.simulator.post(p.request) for p in pushes * 3))
        async with bench.log_with(account.link, duplicate_window=NANOSECONDS // 10):
            # The log itself no longer knows what it was told before.
            await asyncio.sleep(0.2)
            later = [await account.simulator.post(p.request) for p in pushes * 3]
        assert {a.status for a in (*at_once, *later)} <= {200, 202, 204}
        await account.hears("ann", "end")
        texts = [e["text"] for e in await account.events() if e["type"] == "message.added"]
        assert texts == (["begin", "once", "end"] if pushes or account.simulator.is_fetched else ["begin", "end"])
        assert heard["conv"]


async def test_05_a_forged_callback_is_refused_in_one_way_and_stores_nothing(bench: Bench) -> None:
    async with bench.account() as account:
        await account.hears("ann", "begin")
        answers = []
        for push in account.simulator.say("ann", "forged"):
            answers += [await account.simulator.post(request) for request in account.simulator.forged(push)]
        assert {(a.status, a.body) for a in answers} <= {(401, b"the callback can't be verified\n")}
        await account.hears("ann", "end")
        if not account.simulator.rings and not account.simulator.is_fetched:
            assert "forged" not in [e.get("text") for e in await account.events()]


async def test_07_what_is_broken_is_refused_and_what_is_unknown_is_taken(bench: Bench) -> None:
    async with bench.account() as account:
        await account.hears("ann", "begin")
        for request in account.simulator.malformed():
            assert 400 <= (await account.simulator.post(request)).status < 500
        big = Request(method="POST", body=b"x" * (2 * 1024 * 1024))
        # A server may close before it has read all of what is too much.
        assert (await account.simulator.post(big)).status in {0, 401, 413}
        for push in account.simulator.unknown("ann"):
            assert 200 <= (await account.simulator.post(push.request)).status < 300
        await account.hears("ann", "end")


async def test_08_any_text_is_the_same_text_both_ways(bench: Bench) -> None:
    async with bench.account() as account:
        for number, text in enumerate(STRANGE):
            peer = f"strange{number}"
            heard = await account.hears(peer, text)
            sent = await account.answers(heard, text)
            await account.state(sent, "sent", "delivered", "accepted")
            assert account.texts(peer) == [text]


async def test_17_a_kind_that_nobody_knows_is_shown_as_unsupported_with_what_came(bench: Bench) -> None:
    async with bench.account() as account:
        pushes = account.simulator.say("ann", "", kind="unsupported")
        if not pushes:
            pytest.skip(f"excused: {bench.channel} has no kinds that nobody knows")
        await account.deliver(pushes)
        event = await account.event(lambda e: e.get("kind") == "unsupported")
        assert event["attachments"][0]["bytes"] > 0


async def test_18_a_file_comes_in_with_its_bytes(bench: Bench) -> None:
    async with bench.account() as account:
        await account.deliver(account.simulator.say("ann", "", kind="image", content=PNG))
        # At once where the file came along, else with the edit that follows its download.
        event = await account.event(lambda e: any(each.get("file") for each in e.get("attachments") or ()))
        assert event["attachments"][0]["mime"] == "image/png"
        assert event["attachments"][0]["bytes"] == len(PNG)


async def test_24_one_customer_of_two_accounts_has_two_conversations(bench: Bench) -> None:
    async with bench.account() as first, bench.account() as second:
        one = await first.hears("ann", "to the first")
        two = await second.hears("ann", "to the second")
        assert one["conv"] != two["conv"]
        sent = await first.answers(one, "from the first")
        await first.state(sent, "sent", "delivered", "accepted")
        assert second.texts() == []


async def test_24_no_secret_is_in_a_log_or_an_event(bench: Bench) -> None:
    async with bench.account() as account:
        heard = await account.hears("ann", "begin")
        sent = await account.answers(heard, "answer")
        await account.state(sent, "sent", "delivered", "accepted")
        secrets = _secrets(account.simulator)
        assert secrets
        said = "".join(r.log.read_text() for r in bench.replicas) + str(await account.events())
        assert not [s for s in secrets if s in said]


def _secrets(simulator: Any) -> list[str]:
    values = {k: v for k, v in simulator.account().items() if isinstance(v, str) and len(v) >= 8}
    return [v for k, v in values.items() if any(word in k for word in ("token", "secret", "key", "password"))]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
