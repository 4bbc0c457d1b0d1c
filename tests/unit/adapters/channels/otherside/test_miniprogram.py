"""wechatpy, a common library, on both sides of a mini program: it seals and reads what customers do, and sends to our
simulator as our channel does.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import wechatpy
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException

from adapters.channels.miniprogram import MiniProgram
from adapters.channels.miniprogram.settings import Account
from backbone.channel import Message, Request, Signal
from tests.simulators.miniprogram import MiniProgramSimulator
from tests.unit.adapters.channels.kit_wechat import events_of, file, kit_of, text
from tests.unit.adapters.channels.leaves import lost

CHANNEL = MiniProgram()
SIMULATOR = MiniProgramSimulator("safe", "xml")
ACCOUNT = msgspec.convert({**SIMULATOR.account(), "api": "http://127.0.0.1:9"}, Account)
CRYPTO = WeChatCrypto(ACCOUNT.token, ACCOUNT.aes_key, ACCOUNT.app_id)

LEFT_OUT = {
    r"ToUserName|FromUserName|CreateTime|MsgType|MsgId": "the envelope: account, customer, time, kind and key",
    r"PicUrl": "a shorter-lived address of the same picture",
    r"ThumbMediaId": "the card's picture, whose address is told",
    r"Event": "told as enter, and by name",
}

KINDS: dict[str, dict[str, str]] = {
    "text": {"MsgType": "text", "Content": "你好 👋"},
    "image": {"MsgType": "image", "MediaId": "media-1", "PicUrl": "http://mmbiz.example/1"},
    "miniprogrampage": {
        "MsgType": "miniprogrampage",
        "Title": "红色手提包",
        "AppId": "wxapp",
        "PagePath": "pages/item?id=77",
        "ThumbUrl": "https://t.example/1",
        "ThumbMediaId": "thumb-1",
    },
    "hologram": {"MsgType": "hologram", "Light": "blue"},
}
ENTER = {"MsgType": "event", "Event": "user_enter_tempsession", "SessionFrom": '{"order":"A-1"}'}


def _xml(fields: dict[str, str]) -> str:
    whole = {"ToUserName": "gh_1", "FromUserName": "o-lin", "CreateTime": "1700000000", **fields}
    return "<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in whole.items()) + "</xml>"


def _sealed(xml: str) -> Request:
    """As WeChat posts it in safe mode, by the library."""
    stamp, nonce = str(int(time.time())), "263014780"
    wrapped = CRYPTO.encrypt_message(xml, nonce, stamp)
    signature = wrapped.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {"timestamp": stamp, "nonce": nonce, "msg_signature": signature, "encrypt_type": "aes"}
    return Request(method="POST", query=query, body=wrapped.encode())


def _unsealed(request: Request) -> Any:
    """What the library reads of a callback of our simulator."""
    names = ("msg_signature", "timestamp", "nonce")
    return wechatpy.parse_message(CRYPTO.decrypt_message(request.body, *(request.query[name] for name in names)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_message_that_the_library_sealed_is_in_its_event(kind: str) -> None:
    fields = {"MsgId": "24000000000000001", **KINDS[kind]}
    [event] = events_of(CHANNEL, ACCOUNT, _sealed(_xml(fields)))
    assert isinstance(event, Message)
    assert (event.kind == "unsupported") == (kind == "hologram")
    assert lost(fields, [event], LEFT_OUT) == []


def test_every_value_of_coming_in_is_told() -> None:
    [event] = events_of(CHANNEL, ACCOUNT, _sealed(_xml(ENTER)))
    assert isinstance(event, Signal)
    assert event.data["scene"] == ENTER["SessionFrom"]
    assert lost({**ENTER, "SessionFrom": "A-1"}, [event], LEFT_OUT) == []


def test_the_library_reads_a_card_of_our_simulator() -> None:
    [push] = SIMULATOR.say("o-lin", "红色手提包", kind="miniprogrampage", content=b"picture")
    read = _unsealed(push.request)
    [event] = events_of(CHANNEL, ACCOUNT, push.request)
    assert (read.type, read.source, str(read.id)) == ("miniprogrampage", "o-lin", event.key)
    assert isinstance(event, Message)
    card = {"title": read.title, "path": read.page_path, "picture": read.thumb_url}
    assert event.attributes == {"card": card, "mini_program": read.app_id}


def test_the_library_reads_who_comes_in_to_our_simulator() -> None:
    push = SIMULATOR.enters("o-lin", "pages/item?id=77&from=<home>")
    read = _unsealed(push.request)
    [event] = events_of(CHANNEL, ACCOUNT, push.request)
    assert isinstance(event, Signal)
    assert (read.event, read.session_from) == (event.data["event"], event.data["scene"])


# --- what goes out ----------------------------------------------------------------------------


@pytest.fixture
async def simulator() -> AsyncIterator[MiniProgramSimulator]:
    platform = MiniProgramSimulator()
    async with platform.running():
        platform.say("o-lin", "hello")
        yield platform


def _client(simulator: MiniProgramSimulator) -> Any:
    """The library, with a token of our simulator."""
    token = simulator.tokens.get(simulator.clock.now()).value
    client = wechatpy.WeChatClient(simulator.app_id, simulator.app_secret, access_token=token, auto_retry=False)
    client.API_BASE_URL = f"{simulator.base}/cgi-bin/"
    return client


def _uploaded(client: Any) -> str:
    return str(client.media.upload("image", ("picture.png", io.BytesIO(b"picture"), "image/png"))["media_id"])


async def test_channel_and_library_send_the_same(simulator: MiniProgramSimulator) -> None:
    client = _client(simulator)
    async with kit_of(CHANNEL, simulator) as kit:
        await CHANNEL.send(text("o-lin", "你好 👋"), kit.account, kit)
        await CHANNEL.send(file("o-lin", "image", b"picture", "image/png"), kit.account, kit)
    await asyncio.to_thread(client.message.send_text, "o-lin", "你好 👋")
    media_id = await asyncio.to_thread(_uploaded, client)
    await asyncio.to_thread(client.message.send_image, "o-lin", media_id)
    ours, theirs = simulator.accepted[:2], simulator.accepted[2:]
    assert [one.text for one in ours] == [one.text for one in theirs]
    assert [one.sha256 for one in ours] == [one.sha256 for one in theirs]
    assert [one.more for one in ours] == [theirs[0].more, {**theirs[1].more, "image": {"media_id": "media-1"}}]


async def test_our_simulator_takes_the_cards_that_the_library_sends(simulator: MiniProgramSimulator) -> None:
    client = _client(simulator)
    media_id = await asyncio.to_thread(_uploaded, client)
    page = {"title": "红色手提包", "pagepath": "pages/item?id=77", "thumb_media_id": media_id}
    link = {"title": "A title", "description": "about it", "url": "https://example.com/a", "thumb_url": "https://t/1"}
    assert (await asyncio.to_thread(client.message.send_mini_program_page, "o-lin", page))["errcode"] == 0
    assert (await asyncio.to_thread(client.message.send_link, "o-lin", link))["errcode"] == 0
    assert [(one.kind, one.text) for one in simulator.accepted] == [("card", "红色手提包"), ("card", "A title")]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda client: client.message.send_voice("o-lin", "media-1"), 45162),
        (lambda client: client.message.send_image("o-lin", "media-999"), 40007),
        (lambda client: client.message.send_text("o-nobody", "hello"), 40003),
        (lambda client: client.message.send_mini_program_page("o-lin", {"title": "no picture"}), 40097),
        (lambda client: client.media.upload("voice", io.BytesIO(b"x")), 40004),
    ],
    ids=["kind", "media", "stranger", "card", "upload"],
)
async def test_our_simulator_refuses_by_codes_that_the_library_reads(
    simulator: MiniProgramSimulator, call: Any, code: int
) -> None:
    with pytest.raises(WeChatClientException) as caught:
        await asyncio.to_thread(call, _client(simulator))
    assert caught.value.errcode == code
    assert not simulator.accepted
