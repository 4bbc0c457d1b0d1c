"""WhatsApp's templates: which can be sent, and how each of their parts reaches the platform."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.channels.whatsapp import WhatsApp, templates
from backbone.accounts import templates as kit_templates
from backbone.channel import FaultError, MalformedError, Out, OutMedia, Pause, Peer, Rejected
from tests.simulators.whatsapp import WhatsAppSimulator
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for

LI = "8613800000000"
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = OutMedia(file="f", name="teas.png", mime="image/png", size=len(PNG), content=PNG)
HI = {"type": "BODY", "text": "Hi"}


class World:
    """A number whose window to a customer is closed."""

    def __init__(self, simulator: WhatsAppSimulator, kit: MemoryKit, acc: Any) -> None:
        self.simulator, self.kit, self.acc = simulator, kit, acc
        self.channel = WhatsApp()

    async def choose(self, name: str, values: list[str]) -> dict[str, str]:
        """A template of the platform's with its values, as a message carries it."""
        found = {one.name: one for one in await self.channel.templates(self.acc, self.kit) if one.language == "en"}
        assert kit_templates.problem(found[name], values) == ""
        return kit_templates.part(found[name], values)

    async def send(self, template: dict[str, str], **fields: Any) -> None:
        """A template as the kit hands it over."""
        key = "0123456789abcdef0123456789abcdef"
        out = Out(event="e", key=key, conv="c", peer=Peer(LI), template=template, **fields)
        await self.channel.send(out, self.acc, self.kit)

    async def reason(self, template: dict[str, str], **fields: Any) -> str:
        """Why it is refused."""
        with pytest.raises(FaultError) as caught:
            await self.send(template, **fields)
        assert isinstance(caught.value.fault, Rejected)
        return caught.value.fault.reason


@pytest.fixture
async def world() -> AsyncIterator[World]:
    simulator = WhatsAppSimulator()
    async with simulator.running(), kit_for(WhatsApp(), simulator.account(), simulator.clock) as (kit, acc):
        simulator.say(LI, "hi")
        simulator.clock.advance(86_401)
        yield World(simulator, kit, acc)


@pytest.mark.parametrize("a_page", [100, 1])
async def test_the_approved_templates_that_values_and_a_file_fill_are_listed(world: World, a_page: int) -> None:
    world.simulator.templates_a_page = a_page
    found = await world.channel.templates(world.acc, world.kit)
    assert [(one.name, one.language, one.file) for one in found] == [
        ("order_ready", "en", ""),
        ("order_ready", "zh_CN", ""),
        ("parcel", "en", ""),
        ("summer", "en", "image"),
    ]
    assert found[0].text == "Your order {{1}} is ready, {{2}}."
    assert found[2].text == "Parcel {{title.number}}\nHi {{name}}, it comes on {{day}}.\nTea house"
    assert found[3].text == "New teas, {{1}}!\nSee them: https://tea.example/new/{{button.2}}"


async def test_values_of_title_and_body_arrive_each_by_its_name(world: World) -> None:
    await world.send(await world.choose("parcel", ["17", "Li", "Monday"]))
    assert [one.text for one in world.simulator.accepted] == ["Parcel 17\nHi Li, it comes on Monday.\nTea house"]


async def test_a_picture_and_the_end_of_an_address_arrive_with_the_text(world: World) -> None:
    template = await world.choose("summer", ["Li", "oolong"])
    assert template["file"] == "image"
    await world.send(template, kind="image", media=PICTURE)
    (accepted,) = world.simulator.accepted
    assert accepted.text == "New teas, Li!"
    assert accepted.sha256 == hashlib.sha256(PNG).hexdigest()
    assert accepted.more["addresses"] == ["https://tea.example/new/oolong"]


async def test_a_document_keeps_its_name(world: World) -> None:
    world.simulator.templates["bill", "en"] = [{"type": "HEADER", "format": "DOCUMENT"}, HI]
    bill = OutMedia(file="g", name="账单.pdf", mime="application/pdf", size=4, content=b"%PDF")
    await world.send(await world.choose("bill", []), kind="file", media=bill)
    (accepted,) = world.simulator.accepted
    assert (accepted.sha256, accepted.more["filename"]) == (hashlib.sha256(b"%PDF").hexdigest(), "账单.pdf")


@pytest.mark.parametrize(
    ("name", "parameters", "fields", "words"),
    [
        ("order_ready", '["17"]', {}, "132000"),
        ("order_ready", '["17","Li"]', {"kind": "image", "media": PICTURE}, "132000"),
        ("parcel", '{"name":"Li","day":"Monday"}', {}, "132000"),
        ("summer", '{"1":"Li","button.2":"x"}', {}, "132012"),
        ("summer", '{"1":"Li","button.1":"x"}', {"kind": "image", "media": PICTURE}, "132000"),
        ("summer", '{"1":"Li"}', {"kind": "image", "media": PICTURE}, "132000"),
        ("spring", "[]", {}, "132001"),
        ("order_ready", "17", {}, "JSON"),
    ],
)
async def test_a_template_that_does_not_fit_is_refused_in_words(
    world: World, name: str, parameters: str, fields: dict[str, Any], words: str
) -> None:
    assert words in await world.reason({"name": name, "language": "en", "parameters": parameters}, **fields)
    assert world.simulator.accepted == []


async def test_why_there_are_no_templates_is_told_in_words(world: World) -> None:
    for changed, words in (({"business_id": ""}, "Business Account ID"), ({"access_token": "x"}, "token")):
        with pytest.raises(FaultError) as caught:
            await world.channel.templates(msgspec.structs.replace(world.acc, **changed), world.kit)
        assert isinstance(caught.value.fault, Pause | Rejected)
        assert words in caught.value.fault.reason


def _buttons(*buttons: dict[str, str]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(buttons)}


@pytest.mark.parametrize(
    ("components", "text"),
    [
        ([{"type": "HEADER", "format": "TEXT", "text": "Tea"}, {"type": "BODY", "text": "Hi {{1}}"}], "Tea\nHi {{1}}"),
        ([{"type": "HEADER", "format": "TEXT", "text": "For {{ 1 }}"}, HI], "For {{title.1}}\nHi"),
        ([{"type": "HEADER", "format": "VIDEO"}, HI], "Hi"),
        ([HI, {"type": "FOOTER", "text": "Bye"}], "Hi\nBye"),
        ([HI, _buttons({"type": "QUICK_REPLY"})], "Hi"),
        ([HI, _buttons({"type": "URL", "text": "See", "url": "https://a/b"})], "Hi"),
        ([HI, _buttons({"type": "URL", "text": "See", "url": "https://a/{{1}}"})], "Hi\nSee: https://a/{{button.1}}"),
        ([HI, _buttons({"type": "URL", "text": "See", "url": "https://a/{{1}}/b"})], ""),
        ([HI, _buttons({"type": "OTP"})], ""),
        ([{"type": "HEADER", "format": "LOCATION"}, HI], ""),
        ([{"type": "CAROUSEL"}, HI], ""),
        ([{"type": "HEADER", "format": "IMAGE"}], ""),
        ([], ""),
    ],
)
def test_a_template_that_wants_more_than_values_and_a_file_is_left_out(components: list[Any], text: str) -> None:
    one = {"name": "a", "language": "en", "status": "APPROVED", "components": components}
    found, after = templates.read(msgspec.json.encode({"data": [one]}))
    assert [each.text for each in found] == ([text] if text else [])
    assert after == ""


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 1}', b"\xff"])
def test_a_page_of_templates_that_is_none_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        templates.read(body)


def _components(parameters: str, header: dict[str, Any] | None = None) -> list[Any]:
    told = {"name": "t", "language": "en", "parameters": parameters}
    components: list[Any] = templates.content(told, header)["template"].get("components", [])
    return components


def test_each_value_goes_into_the_component_of_its_place() -> None:
    text = {"type": "text", "text": "17"}
    assert _components('["17","Li"]') == [{"type": "body", "parameters": [text, {"type": "text", "text": "Li"}]}]
    assert _components('{"2":"Li","1":"17"}') == _components('["17","Li"]')
    assert _components('{"who":"17"}') == [{"type": "body", "parameters": [{**text, "parameter_name": "who"}]}]
    assert _components('{"title.1":"17","1":"17","button.3":"17"}') == [
        {"type": "header", "parameters": [text]},
        {"type": "body", "parameters": [text]},
        {"type": "button", "sub_type": "url", "index": "2", "parameters": [text]},
    ]
    picture = {"type": "image", "image": {"id": "1"}}
    assert _components("[]", picture) == [{"type": "header", "parameters": [picture]}]
    assert templates.content({"name": "t", "language": "en"}, None) == {
        "type": "template",
        "template": {"name": "t", "language": {"code": "en"}},
    }


@pytest.mark.parametrize("wrong", ["[1]", "17", "[" * 100_000])
def test_parameters_that_are_no_texts_are_malformed(wrong: str) -> None:
    with pytest.raises(MalformedError):
        _components(wrong)
