"""Telegram: what goes over the wire, against the simulator."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels.telegram import Telegram
from backbone.channel import FaultError, Media, Out, OutMedia, Pause, Peer, Rejected, Retry, Unknown
from tests.simulators.telegram import TelegramSimulator
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for

PNG = b"\x89PNG\r\n\x1a\n--boundary\r\n\0\xff"


class World:
    """The channel, its kit and the platform."""

    def __init__(self, simulator: TelegramSimulator, kit: MemoryKit, acc: Any) -> None:
        self.simulator, self.kit, self.acc = simulator, kit, acc
        self.channel = Telegram()

    async def send(self, text: str = "hello", **fields: Any) -> str:
        """The id that the platform gave."""
        sent = await self.channel.send(out(text, **fields), self.acc, self.kit)
        return sent.id

    async def fault_of(self, text: str = "hello", **fields: Any) -> Any:
        """What a send fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, **fields)
        return caught.value.fault


def out(text: str = "hello", **fields: Any) -> Out:
    return Out(**{"event": "e", "key": "0" * 32, "conv": "c", "peer": Peer("1001"), "text": text, **fields})


def media(kind: str, mime: str, name: str = "file.bin", content: bytes = PNG) -> dict[str, Any]:
    return {"kind": kind, "media": OutMedia(file="f", name=name, mime=mime, size=len(content), content=content)}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A bot to whom customer 1001 has written, over webhooks."""
    simulator = TelegramSimulator()
    async with simulator.running(), kit_for(Telegram(), simulator.account(), simulator.clock) as (kit, acc):
        simulator.say("1001", "hi")
        yield World(simulator, kit, acc)


@pytest.fixture
async def polled() -> AsyncIterator[World]:
    """A bot that is asked."""
    simulator = TelegramSimulator(polls=True)
    async with simulator.running(), kit_for(Telegram(), simulator.account(), simulator.clock) as (kit, acc):
        yield World(simulator, kit, acc)


async def test_a_text_arrives_as_it_is_and_its_id_comes_back(world: World) -> None:
    sent = await world.send("<b>bold?</b> 你好 👨‍👩‍👧\u2028_x_")
    (accepted,) = world.simulator.accepted
    assert (accepted.text, accepted.peer, accepted.id) == ("<b>bold?</b> 你好 👨‍👩‍👧\u2028_x_", "1001", sent)


async def test_an_answer_quotes_the_message_and_stays_in_its_topic(world: World) -> None:
    await world.send(reply_to="1001:7", thread="77")
    assert world.simulator.accepted[0].more == {
        "method": "sendMessage", "reply_to": 7, "thread": 77, "name": ""
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "mime", "method", "shown"),
    [
        ("image", "image/png", "sendPhoto", "image"),
        ("image", "image/gif", "sendAnimation", "image"),
        ("video", "video/mp4", "sendVideo", "video"),
        ("file", "video/x-matroska", "sendDocument", "file"),
        ("audio", "audio/ogg", "sendVoice", "audio"),
        ("audio", "audio/mpeg", "sendAudio", "audio"),
        ("file", "image/png", "sendDocument", "file"),
        ("file", "application/pdf", "sendDocument", "file"),
    ],
)
async def test_a_file_goes_out_by_its_own_method(world: World, kind: str, mime: str, method: str, shown: str) -> None:
    await world.send("look", reply_to="1001:7", **media(kind, mime, "合同.bin"))
    (accepted,) = world.simulator.accepted
    assert (accepted.kind, accepted.text, accepted.sha256) == (shown, "look", hashlib.sha256(PNG).hexdigest())
    assert accepted.more == {"method": method, "reply_to": 7, "thread": 0, "name": "合同.bin"}


async def test_a_picture_that_telegram_cannot_show_goes_out_as_a_file(world: World) -> None:
    world.simulator.photo_is_processable = False
    await world.send("look", **media("image", "image/png"))
    assert [one.more["method"] for one in world.simulator.accepted] == ["sendDocument"]


async def test_texts_and_captions_of_the_limit_are_taken(world: World) -> None:
    await world.send("👋" * 2048)
    await world.send("👋" * 512, **media("image", "image/png"))
    assert len(world.simulator.accepted) == 2


@pytest.mark.parametrize("after_s", [None, 3])
async def test_a_limit_holds_the_whole_bot(world: World, after_s: float | None) -> None:
    world.simulator.script("limited", after_s=after_s)
    assert await world.fault_of() == Retry(after_s=after_s or 0, account=True)


async def test_the_platforms_own_rate_is_a_limit_too(world: World) -> None:
    for _ in range(3):
        await world.send()
    assert await world.fault_of() == Retry(after_s=1, account=True)
    world.simulator.clock.advance(3)
    await world.send()


@pytest.mark.parametrize("name", ["500", "html502", "empty"])
async def test_what_passes_is_tried_again(world: World, name: str) -> None:
    world.simulator.script(name)
    assert await world.fault_of() == Retry()
    assert world.simulator.accepted == []


async def test_a_connection_that_breaks_tells_nothing(world: World) -> None:
    world.simulator.script("reset")
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    assert world.simulator.accepted == []
    assert await world.fault_of() == Unknown()
    assert len(world.simulator.accepted) == 1


async def test_a_refused_token_pauses_until_it_is_repaired(world: World) -> None:
    world.simulator.script("refused")
    assert isinstance(await world.fault_of(), Pause)
    assert isinstance(await world.fault_of(), Pause)
    world.simulator.repair()
    await world.send()


async def test_a_customer_who_is_not_there_is_a_refusal_in_words(world: World) -> None:
    assert await world.fault_of(peer=Peer("555")) == Rejected(
        "Telegram doesn't know this chat: the customer must write to the bot first."
    )
    world.simulator.block("1001")
    assert await world.fault_of() == Rejected("The customer has blocked the bot.")


async def test_a_message_is_changed_and_withdrawn(world: World) -> None:
    ref = await world.send("helo")
    await world.channel.edit(ref, out("hello"), world.acc, world.kit)
    assert [line.text for line in world.simulator.customer_sees("1001")] == ["hi", "hello"]
    await world.channel.recall(ref, out(), world.acc, world.kit)
    assert [line.text for line in world.simulator.customer_sees("1001")] == ["hi"]
    with pytest.raises(FaultError) as caught:
        await world.channel.recall(ref, out(), world.acc, world.kit)
    assert caught.value.fault == Rejected("The message isn't there any more.")


async def test_a_caption_is_changed_as_a_caption(world: World) -> None:
    ref = await world.send("look", **media("image", "image/png"))
    await world.channel.edit(ref, out("see"), world.acc, world.kit)
    assert world.simulator.customer_sees("1001")[-1].text == "see"


async def test_typing_is_shown_and_its_end_needs_no_call(world: World) -> None:
    await world.channel.typing(Peer("1001"), world.acc, world.kit, is_typing=True)
    await world.channel.typing(Peer("1001"), world.acc, world.kit, is_typing=False)
    assert world.simulator.actions == [("1001", "typing")]


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("image", "image/jpeg"), ("audio", "audio/ogg"), ("video", "video/mp4"), ("file", "application/pdf")],
)
async def test_a_customers_file_is_fetched(world: World, kind: str, mime: str) -> None:
    (push,) = world.simulator.say("1001", "", kind=kind, content=PNG)
    (event,) = world.channel.parse(push.request, world.acc)
    content, found, name = await world.channel.get_media(event.media[0], world.acc, world.kit)  # type: ignore[union-attr]
    assert (content, found) == (PNG, mime)
    assert name


async def test_a_file_that_is_too_big_or_unknown_is_refused(world: World) -> None:
    for file in (Media("file", "x", size=20 * 1024 * 1024 + 1), Media("file", "nowhere")):
        with pytest.raises(FaultError) as caught:
            await world.channel.get_media(file, world.acc, world.kit)
        assert isinstance(caught.value.fault, Rejected)


async def test_a_bot_with_a_webhook_is_not_asked(world: World, polled: World) -> None:
    assert world.channel.streams(world.acc) == ()
    assert polled.channel.streams(polled.acc) == ("main",)
    assert Telegram.caps.streams == ()


async def test_updates_are_fetched_in_order_and_confirmed_by_the_next_question(polled: World) -> None:
    for text in ("one", "two"):
        polled.simulator.say("1001", text)
    first = await polled.channel.fetch(polled.acc, "main", "", "", polled.kit)
    again = await polled.channel.fetch(polled.acc, "main", "", "", polled.kit)
    assert [e.text for e in first.events] == ["one", "two"]  # type: ignore[union-attr]
    assert again == first
    polled.simulator.say("1001", "three")
    rest = await polled.channel.fetch(polled.acc, "main", first.cursor, "", polled.kit)
    assert [e.text for e in rest.events] == ["three"]  # type: ignore[union-attr]
    assert len(polled.simulator.confirmed) == 2


async def test_a_question_waits_until_something_comes(polled: World) -> None:
    asking = asyncio.create_task(polled.channel.fetch(polled.acc, "main", "", "", polled.kit))
    async with asyncio.timeout(30):
        while not polled.simulator._reader:
            await asyncio.sleep(0.01)
        polled.simulator.say("1001", "now")
        page = await asking
    assert [e.text for e in page.events] == ["now"]  # type: ignore[union-attr]
    assert page.more


async def test_a_hundred_updates_are_a_page(polled: World) -> None:
    for number in range(130):
        polled.simulator.say("1001", str(number))
    first = await polled.channel.fetch(polled.acc, "main", "", "", polled.kit)
    rest = await polled.channel.fetch(polled.acc, "main", first.cursor, "", polled.kit)
    assert [e.text for e in [*first.events, *rest.events]] == [str(n) for n in range(130)]  # type: ignore[union-attr]


async def test_a_second_reader_ends_the_first_ones_question(polled: World) -> None:
    asking = asyncio.create_task(polled.channel.fetch(polled.acc, "main", "", "", polled.kit))
    async with asyncio.timeout(30):
        while not polled.simulator._reader:
            await asyncio.sleep(0.01)
        polled.simulator._reader += 1
        polled.simulator._arrived.set()
        with pytest.raises(FaultError) as caught:
            await asking
    assert caught.value.fault == Retry()


async def test_polling_a_bot_with_a_webhook_pauses_and_the_check_says_why(polled: World) -> None:
    assert [c.problem for c in await polled.channel.check(polled.acc, polled.kit)] == ["", ""]
    polled.simulator.webhook_url = "https://elsewhere.example"
    with pytest.raises(FaultError) as caught:
        await polled.channel.fetch(polled.acc, "main", "", "", polled.kit)
    assert isinstance(caught.value.fault, Pause)
    assert "deleteWebhook" in (await polled.channel.check(polled.acc, polled.kit))[1].problem


async def test_the_check_of_a_webhook_says_what_is_missing(world: World) -> None:
    assert (await world.channel.check(world.acc, world.kit))[1].problem == ""
    world.simulator.max_connections = 40
    assert "max_connections=1" in (await world.channel.check(world.acc, world.kit))[1].problem
    world.simulator.webhook_url = ""
    assert "setWebhook" in (await world.channel.check(world.acc, world.kit))[1].problem
    world.simulator.token = "9:other"
    assert "BotFather" in (await world.channel.check(world.acc, world.kit))[0].problem
