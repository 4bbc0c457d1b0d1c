"""LINE, the example of a channel in a package of its own: that it keeps the contract, and what it says to LINE."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.channel import (
    BadSignatureError,
    Caps,
    Duplicate,
    FaultError,
    MalformedError,
    Media,
    Out,
    Pause,
    Peer,
    Rejected,
    Request,
    Retry,
    Unknown,
)
from tests.simulators.base import Push
from tests.simulators.line import LineSimulator
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for, lower

FOLDER = Path(__file__).parents[4] / "docs" / "examples" / "line"
MODULE = FOLDER / "src" / "trunkline_line" / "__init__.py"
PNG = b"\x89PNG\r\n\x1a\n\0\xff"


def _loaded() -> ModuleType:
    """The package as it lies there, which isn't installed."""
    spec = importlib.util.spec_from_file_location("trunkline_line", MODULE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["trunkline_line"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


line = _loaded()
ACCOUNT = line.Settings(secret="0123456789abcdef0123456789abcdef", access_token="t")


def as_node(request: Request) -> Request:
    """As a node hands it on."""
    return msgspec.structs.replace(request, headers=lower(request.headers))


def events_of(pushes: list[Push]) -> list[Any]:
    """What verified callbacks of the simulator mean."""
    events: list[Any] = []
    for push in pushes:
        request = as_node(push.request)
        assert line.Line().verify(request, ACCOUNT) is None
        events += line.Line().parse(request, ACCOUNT)
    return events


def said(text: str = "", **more: Any) -> Any:
    (event,) = events_of(LineSimulator().say("ann", text, **more))
    return event


def test_it_is_one_module_of_under_a_hundred_lines() -> None:
    assert len(MODULE.read_text().splitlines()) < 100
    assert [one.name for one in (FOLDER / "src").rglob("*.py")] == ["__init__.py"]


def test_its_entry_point_is_its_class_and_that_keeps_the_contract() -> None:
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["trunkline.channels"] == {"line": "trunkline_line:Line"}
    channel = line.Line()
    assert (channel.name, type(channel.caps)) == ("line", Caps)
    assert channel.caps.text == (5000, "utf16")
    schema = msgspec.json.schema(channel.Account)["$defs"]["Settings"]["properties"]
    assert [name for name, field in schema.items() if field.get("secret")] == ["secret", "access_token"]


def test_the_button_verify_is_answered_by_nothing_to_store() -> None:
    (request, _, _), (wrong, _, _) = LineSimulator().handshakes()
    assert line.Line().verify(as_node(request), ACCOUNT) is None
    assert line.Line().parse(as_node(request), ACCOUNT) == []
    with pytest.raises(BadSignatureError):
        line.Line().verify(as_node(wrong), ACCOUNT)


@pytest.mark.parametrize("number", range(4))
def test_a_forged_callback_is_refused(number: int) -> None:
    simulator = LineSimulator()
    forged = simulator.forged(simulator.say("ann", "hello")[0])
    with pytest.raises(BadSignatureError):
        line.Line().verify(as_node(forged[number]), ACCOUNT)


@pytest.mark.parametrize("number", range(10))
def test_what_cannot_be_understood_is_malformed(number: int) -> None:
    request = as_node(LineSimulator().malformed()[number])
    assert line.Line().verify(request, ACCOUNT) is None
    with pytest.raises(MalformedError):
        line.Line().parse(request, ACCOUNT)


def test_a_text_keeps_its_reply_token_for_a_minute() -> None:
    event = said("你好 👨‍👩‍👧\u2028]]>", quotedMessageId="460")
    assert (event.kind, event.text, event.reply_to) == ("text", "你好 👨‍👩‍👧\u2028]]>", "460")
    assert event.peer.id.startswith("U")
    assert len(event.context["reply_token"]) == 32
    assert float(event.context["reply_until"]) == event.at / 1000 + 60


def test_a_redelivery_has_the_key_of_the_first() -> None:
    (push,) = LineSimulator().say("ann", "once")
    again = json.loads(push.request.body)
    again["events"][0]["deliveryContext"]["isRedelivery"] = True
    redelivered = LineSimulator().callback(json.dumps(again).encode())
    first, second = events_of([push, Push(request=redelivered)])
    assert (first.key, first.ref, first.text) == (second.key, second.ref, second.text)


@pytest.mark.parametrize(
    ("kind", "ours", "text"),
    [
        ("location", "location", "Tea\nNanjing Road\n31.25, 121.5"),
        ("sticker", "text", "hi, wave"),
        ("hologram", "unsupported", "A hologram"),
    ],
)
def test_what_is_no_plain_text_is_told_in_words(kind: str, ours: str, text: str) -> None:
    event = said("Tea", kind=kind)
    assert (event.kind, event.text) == (ours, text)
    assert json.loads(event.raw)["message"]["type"] == kind


@pytest.mark.parametrize(("kind", "name"), [("image", ""), ("video", ""), ("audio", ""), ("file", "file.pdf")])
def test_a_file_is_told_by_its_kind(kind: str, name: str) -> None:
    event = said("", kind=kind, content=PNG)
    (media,) = event.media
    assert (event.kind, event.text, media.kind, media.name, media.ref) == (kind, "", kind, name, event.ref)


@pytest.mark.parametrize(
    ("kind", "more", "name", "data"),
    [
        ("follow", {}, "enter", {"ref": "", "data": ""}),
        ("unfollow", {}, "blocked", {"ref": "", "data": ""}),
        ("postback", {"postback": {"data": "buy=1"}}, "menu", {"ref": "", "data": "buy=1"}),
        ("unsend", {"unsend": {"messageId": "460"}}, "recall", {"ref": "460", "data": ""}),
        ("join", {}, "ignored", {"ref": "", "data": ""}),
        ("message", {"mode": "standby"}, "ignored", {"ref": "", "data": ""}),
    ],
)
def test_what_is_no_message_is_a_signal(kind: str, more: dict[str, Any], name: str, data: dict[str, str]) -> None:
    (event,) = events_of(LineSimulator().event("ann", kind, **more))
    assert (event.name, event.data) == (name, data)


def test_an_event_of_an_unknown_kind_is_kept_raw() -> None:
    (event,) = events_of(LineSimulator().unknown("ann"))
    assert event.name == "unknown"
    assert json.loads(event.raw)["height"] == 3


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with contextlib.suppress(MalformedError):
        line.Line().parse(Request(method="POST", body=body), ACCOUNT)
    for status in (200, 202, 400, 401, 409, 429, 500):
        line.Line().classify(status, body, {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(["type", "source", "message", "timestamp", "replyToken", "unsend", "postback", "mode"])


@given(st.dictionaries(fields, json_values, max_size=6), st.booleans())
def test_no_event_of_any_types_raises_anything_else(event: dict[str, Any], is_message: bool) -> None:  # noqa: FBT001
    whole = {"webhookEventId": "1", "type": "message", "source": {"userId": "U"}, "timestamp": 1, **event}
    if is_message:
        whole["message"] = {"id": "1", "type": "file", "text": 1, "fileSize": 2, **event}
    body = json.dumps({"events": [whole]}).encode()
    with contextlib.suppress(MalformedError):
        for one in line.Line().parse(Request(method="POST", body=body), ACCOUNT):
            msgspec.convert(msgspec.to_builtins(one), type(one))


# --- over the wire ----------------------------------------------------------------------------


class World:
    """The channel, its kit and the platform."""

    def __init__(self, simulator: LineSimulator, kit: MemoryKit, acc: Any) -> None:
        self.simulator, self.kit, self.acc = simulator, kit, acc
        self.heard = events_of(simulator.say("ann", "hi"))[0]

    def out(self, text: str = "hello", number: int = 1, **fields: Any) -> Out:
        """An answer to what the customer said."""
        whole = {"event": "e", "key": f"{number:032x}", "conv": "c", "peer": self.heard.peer, "text": text}
        return Out(**{**whole, "context": self.heard.context, **fields})

    async def send(self, text: str = "hello", number: int = 1, **fields: Any) -> str:
        """The id that the platform gave."""
        sent = await line.Line().send(self.out(text, number, **fields), self.acc, self.kit)
        return str(sent.id)

    async def fault_of(self, text: str = "hello", number: int = 1, **fields: Any) -> Any:
        """What a send fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, number, **fields)
        return caught.value.fault

    def how(self) -> list[str]:
        """How each message went out."""
        return [one.more["how"] for one in self.simulator.accepted]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A channel to which a customer has written just now."""
    simulator = LineSimulator()
    async with simulator.running(), kit_for(line.Line(), simulator.account(), simulator.clock) as (kit, acc):
        yield World(simulator, kit, acc)


async def test_the_first_answer_is_a_reply_and_the_others_are_pushed(world: World) -> None:
    sent = await world.send("你好 👋", 1)
    await world.send("two", 2)
    assert world.how() == ["reply", "push"]
    assert (world.simulator.accepted[0].text, world.simulator.accepted[0].id) == ("你好 👋", sent)
    assert len(world.kit.asked) == 2


async def test_after_a_minute_an_answer_is_pushed(world: World) -> None:
    world.simulator.clock.advance(61)
    await world.send()
    assert world.how() == ["push"]
    assert len(world.kit.asked) == 1


async def test_a_reply_token_that_ended_early_is_followed_by_a_push(world: World) -> None:
    world.simulator._reply_tokens.clear()
    await world.send()
    assert world.how() == ["push"]


async def test_a_reply_whose_answer_was_lost_is_not_doubled(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    assert await world.fault_of(is_resend=True) == Duplicate()
    assert world.how() == ["reply"]


async def test_a_reply_that_never_arrived_is_sent_by_the_next_try(world: World) -> None:
    world.simulator.script("reset")
    assert await world.fault_of() == Unknown()
    await world.send(is_resend=True)
    assert world.how() == ["reply"]


async def test_a_refusal_that_is_not_of_the_token_does_not_say_that_a_lost_reply_arrived(world: World) -> None:
    """A process killed in the middle of its call, and a refusal of the next one: it was told as sent."""
    world.simulator.script("reset")
    world.simulator.script("rejected")
    assert await world.fault_of() == Unknown()
    await world.send(is_resend=True)
    assert world.how() == ["push"]


async def test_a_reply_whose_answer_was_lost_for_over_a_minute_is_said_to_be_unsure(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    world.simulator.clock.advance(3600)
    assert await world.fault_of(is_resend=True) == Rejected("LINE may have delivered it: its answer was lost.")
    assert world.how() == ["reply"]


async def test_a_reply_that_was_refused_for_now_may_be_pushed_later(world: World) -> None:
    world.simulator.script("busy")
    assert await world.fault_of() == Retry()
    world.simulator.clock.advance(61)
    await world.send()
    assert world.how() == ["push"]


async def test_a_reply_that_was_refused_for_now_is_free_again_within_its_minute(world: World) -> None:
    world.simulator.script("limited")
    assert await world.fault_of() == Retry(after_s=2, account=True)
    await world.send()
    assert world.how() == ["reply"]


async def test_a_push_whose_answer_was_lost_is_known_by_its_key(world: World) -> None:
    world.simulator.clock.advance(61)
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    assert await world.fault_of() == Duplicate()
    await world.send("another", 2)
    assert [one.text for one in world.simulator.accepted] == ["hello", "another"]


async def test_a_message_without_a_token_is_pushed(world: World) -> None:
    await world.send(context={})
    assert world.how() == ["push"]


async def test_a_text_of_the_limit_is_taken(world: World) -> None:
    await world.send("👋" * 2500)
    assert len(world.simulator.accepted) == 1


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("500", Retry()),
        ("html502", Retry()),
        ("empty", Retry()),
        ("busy", Retry()),
        ("limited", Retry(after_s=2, account=True)),
    ],
)
async def test_what_passes_is_tried_again(world: World, name: str, fault: Retry) -> None:
    world.simulator.script(name)
    assert await world.fault_of() == fault
    await world.send()


async def test_what_does_not_pass_pauses_or_is_refused(world: World) -> None:
    world.simulator.clock.advance(61)
    assert isinstance(await world.fault_of(peer=Peer("Unobody")), Rejected)
    world.simulator.is_over_the_plan = True
    assert isinstance(await world.fault_of(), Pause)
    world.simulator.script("refused")
    assert isinstance(await world.fault_of(), Pause)


async def test_a_customers_file_is_fetched_once_it_is_ready(world: World) -> None:
    (event,) = events_of(world.simulator.say("ann", "", kind="video", content=PNG))
    world.simulator.keeps_back = 1
    with pytest.raises(FaultError) as caught:
        await line.Line().get_media(event.media[0], world.acc, world.kit)
    assert caught.value.fault == Retry()
    assert await line.Line().get_media(event.media[0], world.acc, world.kit) == (PNG, "video/mp4", "")
    with pytest.raises(FaultError) as caught:
        await line.Line().get_media(Media("image", "1"), world.acc, world.kit)
    assert isinstance(caught.value.fault, Rejected)
