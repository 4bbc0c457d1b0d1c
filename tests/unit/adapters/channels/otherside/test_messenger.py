"""Meta's own SDK calls our simulators, and takes what our channels send for calls of its API. It reads no callbacks:
those are held to the documented payloads (`test_meta_payloads.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from adapters.channels.messenger import Messenger
from backbone.channel import Out, OutMedia, Peer
from tests.simulators.instagram import InstagramSimulator
from tests.simulators.messenger import MessengerSimulator
from tests.simulators.meta import ChatSimulator
from tests.unit.adapters.channels.kit_telegram import kit_for

LI = "6000000000000001"
KEY = "0123456789abcdef0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    """The SDK's address is the class's: given back."""
    before = FacebookSession.GRAPH
    yield
    FacebookSession.GRAPH = before


def page_of(simulator: ChatSimulator) -> Page:
    """The page as the SDK knows it."""
    FacebookSession.GRAPH = simulator.base
    api = FacebookAdsApi(FacebookSession(access_token=simulator.access_token), api_version="v23.0")
    return Page(simulator.account_id, api=api)


async def asked(call: Callable[[], Any]) -> Any:
    """The SDK blocks."""
    return await asyncio.to_thread(call)


def hello(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"recipient": {"id": LI}, "messaging_type": "RESPONSE", "message": {"text": text}, **more}


def unknown_of(simulator: ChatSimulator, body: dict[str, Any]) -> list[str]:
    """What of a call the SDK has no name for; a wrong value warns, which is an error in a test.

    Graph takes an action in either case, the SDK has them in capitals. A tag is a text in the reference, in the SDK an
    object.
    """
    told = {name: value.upper() if name == "sender_action" else value for name, value in body.items() if name != "tag"}
    request = page_of(simulator).create_message(params=told, pending=True)
    return [name for name in body if not request._param_checker.is_valid_key(name)]


@pytest.mark.parametrize("made", [MessengerSimulator, InstagramSimulator])
async def test_the_sdk_sends_by_our_simulator(made: type[ChatSimulator]) -> None:
    simulator = made()
    async with simulator.running():
        simulator.say(LI, "hi")
        told = hello("你好")
        if made is InstagramSimulator:
            del told["messaging_type"]
        sent = await asked(lambda: page_of(simulator).create_message(params=told))
        (one,) = simulator.accepted
        assert (one.text, one.id) == ("你好", sent["message_id"])


async def test_the_sdk_reads_our_simulators_errors() -> None:
    simulator = MessengerSimulator()
    async with simulator.running():
        with pytest.raises(FacebookRequestError) as unknown:
            await asked(lambda: page_of(simulator).create_message(params=hello()))
        simulator.say(LI, "hi")
        simulator.clock.advance(86_401)
        with pytest.raises(FacebookRequestError) as late:
            await asked(lambda: page_of(simulator).create_message(params=hello()))
    codes = [(each.value.api_error_code(), each.value.api_error_subcode()) for each in (unknown, late)]
    assert codes == [(100, 2018001), (10, 2018278)]
    # What the SDK got, our channel understands.
    body = msgspec.json.encode(late.value.body())
    assert Messenger().classify(late.value.http_status(), body, {"content-type": "application/json"}) is not None


async def test_what_our_channel_sends_is_a_call_that_the_sdk_knows() -> None:
    simulator, channel = MessengerSimulator(), Messenger()
    settings = {"human_agent": True}
    async with simulator.running():
        values = {**simulator.account(), **settings}
        async with kit_for(channel, values, simulator.clock) as (kit, acc):
            simulator.say(LI, "hi")
            simulator.human_agent_s = 7 * 86_400
            simulator.clock.advance(86_401)
            late = str(int((simulator.clock.now() - 86_401) * 1000))
            picture = OutMedia(file="f", name="a.png", mime="image/png", size=len(PNG), content=PNG)
            base = {"event": "e", "key": KEY, "conv": "c", "peer": Peer(LI), "context": {"at": late}}
            await channel.send(Out(text="hello", reply_to="m_1", **base), acc, kit)
            await channel.send(Out(kind="image", media=picture, **base), acc, kit)
            await channel.typing(Peer(LI), acc, kit, is_typing=True)
            await channel.mark_read("m_1", Peer(LI), acc, kit)
        bodies = list(simulator.posted)
        assert [sorted(set(body) - {"recipient"}) for body in bodies] == [
            ["message", "messaging_type", "reply_to", "tag"],
            ["message", "messaging_type", "tag"],
            ["sender_action"],
            ["sender_action"],
        ]
        assert [unknown_of(simulator, body) for body in bodies] == [[], [], [], []]
        before = len(simulator.accepted)
        again = {name: value for name, value in bodies[0].items() if name != "tag"}
        simulator.say(LI, "still there?")
        await asked(lambda: page_of(simulator).create_message(params={**again, "messaging_type": "RESPONSE"}))
        assert [one.text for one in simulator.accepted[before:]] == ["hello"]


async def test_the_sdk_does_not_know_every_call() -> None:
    """So that the test before can fail."""
    simulator = MessengerSimulator()
    async with simulator.running():
        assert unknown_of(simulator, hello(colour="blue")) == ["colour"]
        with pytest.warns(UserWarning, match="value of messaging_type"):
            unknown_of(simulator, hello(messaging_type="SHOUT"))
