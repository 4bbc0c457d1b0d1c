"""WhatsApp: what goes over the wire, against the simulator."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels.whatsapp import WhatsApp
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
    Unknown,
    WindowClosed,
)
from tests.simulators.whatsapp import WhatsAppSimulator
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for

LI = "8613800000000"
PNG = b"\x89PNG\r\n\x1a\n--boundary\r\n\0\xff"
KEY = "0123456789abcdef0123456789abcdef"


class World:
    """The channel, its kit and the platform."""

    def __init__(self, simulator: WhatsAppSimulator, kit: MemoryKit, acc: Any) -> None:
        self.simulator, self.kit, self.acc = simulator, kit, acc
        self.channel = WhatsApp()

    async def send(self, text: str = "hello", **fields: Any) -> str:
        """The id that the platform gave."""
        out = Out(**{"event": "e", "key": KEY, "conv": "c", "peer": Peer(LI), "text": text, **fields})
        sent = await self.channel.send(out, self.acc, self.kit)
        assert sent.state == "accepted"
        return sent.id

    async def fault_of(self, text: str = "hello", **fields: Any) -> Any:
        """What a send fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, **fields)
        return caught.value.fault


def media(kind: str, mime: str, name: str = "file.bin", link: str = "") -> dict[str, Any]:
    return {"kind": kind, "media": OutMedia(file="f", name=name, mime=mime, size=len(PNG), content=PNG, link=link)}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A number to which a customer has written."""
    simulator = WhatsAppSimulator()
    async with simulator.running(), kit_for(WhatsApp(), simulator.account(), simulator.clock) as (kit, acc):
        simulator.say(LI, "hi")
        yield World(simulator, kit, acc)


async def test_a_text_arrives_with_our_key_and_its_id_comes_back(world: World) -> None:
    sent = await world.send("你好 👨‍👩‍👧\u2028]]>", reply_to="wamid.THEIRS")
    (accepted,) = world.simulator.accepted
    assert (accepted.text, accepted.id, accepted.key) == ("你好 👨‍👩‍👧\u2028]]>", sent, KEY)
    assert accepted.more["reply_to"] == "wamid.THEIRS"


async def test_a_message_that_only_our_key_names_is_not_quoted(world: World) -> None:
    await world.send(reply_to=KEY)
    assert world.simulator.accepted[0].more["reply_to"] == ""


@pytest.mark.parametrize(
    ("kind", "mime", "theirs", "caption"),
    [
        ("image", "image/png", "image", "look"),
        ("video", "video/mp4", "video", "look"),
        ("audio", "audio/ogg", "audio", ""),
        ("file", "application/pdf", "document", "look"),
    ],
)
async def test_a_file_is_uploaded_once_and_sent_by_its_id(
    world: World, kind: str, mime: str, theirs: str, caption: str
) -> None:
    for _ in range(2):
        await world.send("look", **media(kind, mime, "合同.pdf"))
    assert [(a.more["type"], a.text) for a in world.simulator.accepted] == [(theirs, caption)] * 2
    assert {a.sha256 for a in world.simulator.accepted} == {hashlib.sha256(PNG).hexdigest()}
    assert world.simulator.accepted[0].more["filename"] == ("合同.pdf" if kind == "file" else "")
    assert sum("/media" in url for _, url in world.kit.asked) == 1


async def test_an_upload_that_ended_is_told_so_that_it_is_made_anew(world: World) -> None:
    await world.send("", **media("image", "image/png"))
    world.simulator.clock.advance(31 * 86_400)
    world.simulator.say(LI, "again")
    assert await world.fault_of("", **media("image", "image/png")) == MediaGone()
    world.kit.forget_uploads()
    await world.send("", **media("image", "image/png"))


async def test_after_a_day_only_a_template_goes_out(world: World) -> None:
    world.simulator.clock.advance(86_401)
    assert await world.fault_of() == WindowClosed("time")
    template = {"name": "order_ready", "language": "en", "parameters": '["17", "Li"]'}
    await world.send("ignored", template=template)
    assert [a.text for a in world.simulator.accepted] == ["Your order 17 is ready, Li."]


async def test_a_number_without_whatsapp_is_a_refusal_in_words(world: World) -> None:
    fault = await world.fault_of(peer=Peer("15550000000"))
    assert isinstance(fault, Rejected)
    assert "131026" in fault.reason


async def test_texts_and_captions_of_the_limit_are_taken(world: World) -> None:
    await world.send("👋" * 4096)
    await world.send("👋" * 1024, **media("image", "image/png"))
    assert len(world.simulator.accepted) == 2


@pytest.mark.parametrize("after_s", [None, 3])
async def test_a_limit_holds_the_whole_account(world: World, after_s: float | None) -> None:
    world.simulator.script("limited", after_s=after_s)
    assert await world.fault_of() == Retry(after_s=after_s or 0, account=True)


async def test_too_much_to_one_customer_holds_that_one_alone(world: World) -> None:
    world.simulator.pair_burst = 2
    await world.send()
    await world.send()
    assert await world.fault_of() == Retry(after_s=6)


@pytest.mark.parametrize("name", ["500", "html502", "empty", "busy"])
async def test_what_passes_is_tried_again(world: World, name: str) -> None:
    world.simulator.script(name)
    assert await world.fault_of() == Retry()
    assert world.simulator.accepted == []


async def test_a_lost_answer_is_settled_by_a_status_with_our_key(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    (push,) = world.simulator.statuses(world.simulator.accepted[0], "sent")
    assert [r.sent_as for r in world.channel.parse(push.request, world.acc)] == [KEY]  # type: ignore[union-attr]


async def test_a_token_that_is_refused_pauses_since_nobody_can_renew_it(world: World) -> None:
    world.simulator.script("refused")
    assert isinstance(await world.fault_of(), Pause)
    world.simulator.repair()
    await world.send()


async def test_a_customers_file_is_fetched_while_it_is_there(world: World) -> None:
    (push,) = world.simulator.say(LI, "", kind="file", content=PNG)
    (event,) = world.channel.parse(push.request, world.acc)
    file = event.media[0]  # type: ignore[union-attr]
    assert await world.channel.get_media(file, world.acc, world.kit) == (PNG, "application/pdf", "file.pdf")
    world.simulator.clock.advance(7 * 86_400 + 1)
    with pytest.raises(FaultError) as caught:
        await world.channel.get_media(file, world.acc, world.kit)
    assert isinstance(caught.value.fault, Rejected)


async def test_the_token_goes_to_no_address_that_is_not_metas_own(world: World) -> None:
    number = world.simulator.file(PNG, "image/png", "", 100)
    world.simulator.base = "http://elsewhere.example"
    with pytest.raises(FaultError):
        await world.channel.get_media(Media("image", number), world.acc, world.kit)
    assert all(url.startswith(world.acc.api) for _, url in world.kit.asked)


async def test_read_is_told_for_a_message(world: World) -> None:
    await world.channel.mark_read("wamid.THEIRS", Peer(LI), world.acc, world.kit)
    assert world.simulator.read == ["wamid.THEIRS"]


async def test_the_check_says_what_is_wrong(world: World) -> None:
    assert [c.problem for c in await world.channel.check(world.acc, world.kit)] == [""]
    world.simulator.access_token = "another"
    assert "token" in (await world.channel.check(world.acc, world.kit))[0].problem


async def test_statuses_follow_by_themselves_where_there_is_a_hook(world: World) -> None:
    world.simulator.hook = f"{world.simulator.base}/nowhere"
    await world.send()
    async with asyncio.timeout(30):
        while len(world.simulator.delivered) < 2:
            await asyncio.sleep(0.01)
    assert {name.rpartition(":")[2] for name, _ in world.simulator.delivered} == {"sent", "delivered"}


async def test_a_closed_window_may_be_told_by_a_status_alone(world: World) -> None:
    world.simulator.window_closes = "later"
    world.simulator.clock.advance(86_401)
    await world.send()
    assert world.simulator.accepted == []
