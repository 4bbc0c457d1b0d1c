"""Messenger and Instagram: what goes over the wire, against their simulators."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels.meta import faults
from adapters.channels.meta.graph import Error
from backbone.channel import (
    FaultError,
    Media,
    MediaGone,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Unknown,
    WindowClosed,
)
from tests.simulators.meta import WORDS, ChatSimulator
from tests.unit.adapters.channels.kit_meta import LI, NAMES, pair
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for

PNG = b"\x89PNG\r\n\x1a\n--boundary\r\n\0\xff"
KEY = "0123456789abcdef0123456789abcdef"
DAY_S = 86_400


class World:
    """A channel, its kit and its platform."""

    def __init__(self, channel: Any, simulator: ChatSimulator, kit: MemoryKit, acc: Any) -> None:
        self.channel, self.simulator, self.kit, self.acc = channel, simulator, kit, acc
        self.context: dict[str, str] = {}

    def hears(self) -> None:
        """The customer writes."""
        (push,) = self.simulator.say(LI, "hi")
        self.context = self.channel.parse(push.request, self.acc)[0].context

    async def send(self, text: str = "hello", **fields: Any) -> str:
        """The id that the platform gave."""
        known = {"event": "e", "key": KEY, "conv": "c", "peer": Peer(LI), "text": text, "context": self.context}
        sent: Sent = await self.channel.send(Out(**{**known, **fields}), self.acc, self.kit)
        assert sent.state == "sent"
        return sent.id

    async def fault_of(self, text: str = "hello", **fields: Any) -> Any:
        """What a send fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, **fields)
        return caught.value.fault


def media(kind: str, mime: str, name: str = "file.bin", content: bytes = PNG) -> dict[str, Any]:
    return {"kind": kind, "media": OutMedia(file="f", name=name, mime=mime, size=len(content), content=content)}


async def _world(name: str, **settings: Any) -> AsyncIterator[World]:
    channel, simulator, _ = pair(name)
    async with (
        simulator.running(),
        kit_for(channel, {**simulator.account(), **settings}, simulator.clock) as (kit, acc),
    ):
        world = World(channel, simulator, kit, acc)
        world.hears()
        yield world


@pytest.fixture(params=NAMES)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """An account of either to which a customer has written."""
    async for each in _world(request.param):
        yield each


@pytest.fixture(params=NAMES)
async def by_people(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """One where Meta has approved Human Agent."""
    async for each in _world(request.param, human_agent=True):
        each.simulator.human_agent_s = 7 * DAY_S
        yield each


async def test_a_text_arrives_and_its_id_comes_back(world: World) -> None:
    sent = await world.send("你好 👨‍👩‍👧\u2028]]>", reply_to="m_THEIRS")
    (accepted,) = world.simulator.accepted
    assert (accepted.text, accepted.id) == ("你好 👨‍👩‍👧\u2028]]>", sent)
    assert accepted.more["reply_to"] == "m_THEIRS"
    # Only Messenger gives something of ours back.
    assert accepted.key == (KEY if world.channel.name == "messenger" else "")


async def test_a_message_that_only_our_key_names_is_not_quoted(world: World) -> None:
    await world.send(reply_to=KEY)
    assert world.simulator.accepted[0].more["reply_to"] == ""


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("image", "image/png"), ("video", "video/mp4"), ("audio", "audio/mp4"), ("file", "application/pdf")],
)
async def test_a_file_is_uploaded_once_and_sent_by_its_id(world: World, kind: str, mime: str) -> None:
    for _ in range(2):
        await world.send("", **media(kind, mime, "合同.pdf"))
    assert [accepted.kind for accepted in world.simulator.accepted] == [kind] * 2
    assert {accepted.sha256 for accepted in world.simulator.accepted} == {hashlib.sha256(PNG).hexdigest()}
    assert sum("/message_attachments" in url for _, url in world.kit.asked) == 1


async def test_an_upload_that_ended_is_told_so_that_it_is_made_anew(world: World) -> None:
    await world.send("", **media("image", "image/png"))
    world.simulator.clock.advance(91 * DAY_S)
    world.hears()
    assert await world.fault_of("", **media("image", "image/png")) == MediaGone()
    world.kit.forget_uploads()
    await world.send("", **media("image", "image/png"))


async def test_a_file_that_is_too_large_or_of_a_wrong_type_is_refused_in_words(world: World) -> None:
    world.simulator.sizes["image"] = len(PNG)
    large = await world.fault_of("", **media("image", "image/png", content=PNG + b"!"))
    assert "2018109" in large.reason
    world.kit.forget_uploads()
    wrong = await world.fault_of("", **media("image", "image/tiff"))
    assert "2018047" in wrong.reason


async def test_after_a_day_nothing_goes_out_until_the_customer_writes(world: World) -> None:
    world.simulator.clock.advance(DAY_S + 1)
    assert await world.fault_of() == WindowClosed("time")
    assert world.simulator.accepted == []
    world.hears()
    await world.send()
    assert world.simulator.accepted[0].more["tag"] == ""


async def test_people_may_answer_for_a_week_and_programs_for_a_day(by_people: World) -> None:
    await by_people.send("at once")
    by_people.simulator.clock.advance(DAY_S + 1)
    await by_people.send("after a day")
    assert await by_people.fault_of("a program", automatic=True) == WindowClosed("time")
    tags = [(one.text, one.more["tag"], one.more["type"]) for one in by_people.simulator.accepted]
    plain = "RESPONSE" if by_people.channel.name == "messenger" else ""
    assert tags == [("at once", "", plain), ("after a day", "HUMAN_AGENT", "MESSAGE_TAG")]
    by_people.simulator.clock.advance(6 * DAY_S)
    assert await by_people.fault_of("after a week") == WindowClosed("time")


async def test_who_says_that_people_may_and_has_no_approval_is_paused(by_people: World) -> None:
    by_people.simulator.human_agent_s = 0
    by_people.simulator.clock.advance(DAY_S + 1)
    assert isinstance(await by_people.fault_of(), Pause)


async def test_texts_of_the_limit_are_taken(world: World) -> None:
    most, measure = world.channel.caps.text
    await world.send("👋" * (most // (2 if measure == "utf16" else 4)))
    await world.send("a" * most)
    assert isinstance(await world.fault_of("a" * (most + 1)), Rejected)
    assert len(world.simulator.accepted) == 2


async def test_who_blocks_the_account_or_is_unknown_is_a_refusal_in_words(world: World) -> None:
    assert "2018001" in (await world.fault_of(peer=Peer("999"))).reason
    world.simulator.blocking.add(LI)
    assert "1545041" in (await world.fault_of()).reason


async def test_a_conversation_that_another_app_has_is_told(world: World) -> None:
    world.simulator.owned_elsewhere.add(LI)
    fault = await world.fault_of()
    assert isinstance(fault, Rejected)
    assert "2018300" in fault.reason


@pytest.mark.parametrize("number", range(len(WORDS)))
async def test_each_error_of_the_platform_is_met_by_its_verdict(world: World, number: int) -> None:
    code, subcode = list(WORDS)[number]
    world.simulator.fails(code, subcode)
    known = faults.known(Error(code=code, error_subcode=subcode))
    assert known is not None
    assert await world.fault_of() == known
    await world.send("and after it")


@pytest.mark.parametrize("after_s", [None, 3])
async def test_a_limit_holds_the_whole_account(world: World, after_s: float | None) -> None:
    world.simulator.script("limited", after_s=after_s)
    assert await world.fault_of() == Retry(after_s=after_s or 0, account=True)


async def test_a_limit_is_waited_for_as_long_as_meta_says(world: World) -> None:
    world.simulator.fails(80006, minutes=2)
    assert await world.fault_of() == Retry(after_s=120, account=True)


async def test_sound_and_video_have_a_limit_of_their_own(world: World) -> None:
    world.simulator.media_a_s = 1
    await world.send("", **media("video", "video/mp4"))
    assert await world.fault_of("", **media("video", "video/mp4")) == Retry(account=True)
    await world.send()


@pytest.mark.parametrize("name", ["500", "html502", "empty", "busy"])
async def test_what_passes_is_tried_again(world: World, name: str) -> None:
    world.simulator.script(name)
    assert await world.fault_of() == Retry()
    assert world.simulator.accepted == []


async def test_a_lost_answer_is_settled_by_the_echo_where_it_brings_our_key(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    (one,) = world.simulator.accepted
    (push,) = world.simulator.comes_back(one)
    (receipt,) = world.channel.parse(push.request, world.acc)
    assert (receipt.ref, receipt.sent_as) == (one.id, KEY if world.channel.name == "messenger" else "")


async def test_a_token_that_is_refused_pauses_with_the_reason(world: World) -> None:
    world.simulator.script("refused")
    fault = await world.fault_of()
    assert isinstance(fault, Pause)
    assert "463" in fault.reason
    world.simulator.repair()
    await world.send()


async def test_a_customers_file_is_fetched_without_the_token_while_it_is_there(world: World) -> None:
    (push,) = world.simulator.say(LI, "", kind="file", content=PNG)
    (event,) = world.channel.parse(push.request, world.acc)
    (file,) = event.media
    assert await world.channel.get_media(file, world.acc, world.kit) == (PNG, "application/pdf", "file.bin")
    world.simulator.clock.advance(8 * DAY_S)
    with pytest.raises(FaultError) as caught:
        await world.channel.get_media(file, world.acc, world.kit)
    assert caught.value.fault == MediaGone()


@pytest.mark.parametrize("ref", ["ftp://c.example/x", "http://c.example/x", "javascript:1", ""])
async def test_what_is_no_address_of_a_file_is_not_called(world: World, ref: str) -> None:
    before = len(world.kit.asked)
    with pytest.raises(FaultError) as caught:
        await world.channel.get_media(Media("image", ref), world.acc, world.kit)
    assert isinstance(caught.value.fault, Rejected)
    assert len(world.kit.asked) == before


async def test_a_page_at_the_address_of_a_file_is_none(world: World) -> None:
    with pytest.raises(FaultError) as caught:
        await world.channel.get_media(Media("image", f"{world.simulator.base}/"), world.acc, world.kit)
    assert isinstance(caught.value.fault, Rejected)


async def test_typing_and_reading_are_shown(world: World) -> None:
    await world.channel.typing(Peer(LI), world.acc, world.kit, is_typing=True)
    await world.channel.typing(Peer(LI), world.acc, world.kit, is_typing=False)
    await world.channel.mark_read("m_1", Peer(LI), world.acc, world.kit)
    assert (world.simulator.shown_typing(LI), world.simulator.shown_read(LI)) == (1, 1)


async def test_a_customers_name_is_asked_for(world: World) -> None:
    name, _ = world.simulator.known_as(LI)
    assert (await world.channel.profile(Peer(LI), world.acc, world.kit)).name == name


async def test_the_check_says_what_is_wrong(world: World) -> None:
    assert [check.problem for check in await world.channel.check(world.acc, world.kit)] == [""]
    world.simulator.account_id = "1"
    assert "33" in (await world.channel.check(world.acc, world.kit))[0].problem
    world.simulator.access_token = "another"
    assert "463" in (await world.channel.check(world.acc, world.kit))[0].problem


async def test_what_became_of_a_message_follows_by_itself_where_there_is_a_hook(world: World) -> None:
    world.simulator.hook = f"{world.simulator.base}/nowhere"
    sent = await world.send()
    wanted = {f"{sent}:{report}" for report in world.simulator.reports}
    async with asyncio.timeout(30):
        while {name for name, _ in world.simulator.delivered} != wanted:
            await asyncio.sleep(0.01)
