"""wechatpy, a common library of 微信公众号, encrypts, signs and parses: both sides agree, and nothing is lost."""

from __future__ import annotations

import time
from typing import Any

import pytest
import wechatpy
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from adapters.channels.wechat import WeChat
from adapters.channels.wechat.settings import Account
from backbone.channel import Message, Request, Signal
from tests.unit.adapters.channels.leaves import lost

KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ACCOUNT = Account(app_id="wx5823bf96d3bd56c7", app_secret="s", token="QDG6eK", aes_key=KEY)
CRYPTO = WeChatCrypto(ACCOUNT.token, KEY, ACCOUNT.app_id)

LEFT_OUT = {
    r"ToUserName|FromUserName|CreateTime|MsgType|MsgId": "the envelope: account, customer, time, kind and key",
    r"Format": "the type of the file",
    r"ThumbMediaId|Scale": "how it is shown",
    r"Ticket": "WeChat's own of a code",
    r"PicUrl": "a shorter-lived address of the same picture",
    r"Event": "told as menu or blocked, and by name",
}

KINDS: dict[str, dict[str, str]] = {
    "text": {"MsgType": "text", "Content": "你好 👋", "bizmsgmenuid": "101"},
    "image": {"MsgType": "image", "MediaId": "media-1", "PicUrl": "http://mmbiz.example/1"},
    "voice": {"MsgType": "voice", "MediaId": "media-2", "Format": "amr", "Recognition": "在吗"},
    "video": {"MsgType": "video", "MediaId": "media-3", "ThumbMediaId": "thumb"},
    "location": {
        "MsgType": "location",
        "Location_X": "23.134521",
        "Location_Y": "113.358803",
        "Label": "珠江新城",
        "Scale": "20",
    },
    "link": {"MsgType": "link", "Title": "A title", "Description": "about it", "Url": "https://example.com/a?b=1"},
    "mini program": {
        "MsgType": "miniprogrampage",
        "Title": "红色手提包",
        "AppId": "wxapp",
        "PagePath": "pages/item?id=77",
        "ThumbUrl": "https://t.example/1",
    },
    "unknown": {"MsgType": "hologram", "Light": "blue"},
}
EVENTS: dict[str, dict[str, str]] = {
    "follow by a code": {"Event": "subscribe", "EventKey": "qrscene_store_17", "Ticket": "T"},
    "scan": {"Event": "SCAN", "EventKey": "store_18", "Ticket": "T"},
    "menu": {"Event": "CLICK", "EventKey": "HUMAN_SERVICE"},
}


def _xml(fields: dict[str, str]) -> str:
    whole = {"ToUserName": "gh_1", "FromUserName": "o-lin", "CreateTime": "1700000000", **fields}
    return "<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in whole.items()) + "</xml>"


def _sealed(xml: str) -> Request:
    """As WeChat posts it in safe mode, by the library."""
    stamp, nonce = str(int(time.time())), "263014780"
    wrapped = CRYPTO.encrypt_message(xml, nonce, stamp)
    fields = wechatpy.utils.to_text(wrapped)
    signature = fields.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {"timestamp": stamp, "nonce": nonce, "msg_signature": signature, "encrypt_type": "aes"}
    return Request(method="POST", query=query, body=wrapped.encode())


def _read(xml: str) -> Any:
    request = _sealed(xml)
    assert WeChat.verify(request, ACCOUNT) is None
    (event,) = WeChat.parse(request, ACCOUNT)
    return event


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_message_that_the_library_sealed_is_in_its_event(kind: str) -> None:
    fields = {"MsgId": "24000000000000001", **KINDS[kind]}
    event = _read(_xml(fields))
    assert isinstance(event, Message)
    assert lost(fields, [event], LEFT_OUT) == []


@pytest.mark.parametrize("kind", EVENTS)
def test_every_value_of_an_event_is_told(kind: str) -> None:
    fields = {"MsgType": "event", **EVENTS[kind]}
    event = _read(_xml(fields))
    assert isinstance(event, Signal)
    told = {name: value.removeprefix("qrscene_") for name, value in fields.items()}
    assert lost(told, [event], LEFT_OUT) == []
    assert wechatpy.parse_message(_xml(fields)).source == "o-lin"


@pytest.mark.parametrize("kind", ["text", "image", "voice", "video", "location", "link"])
def test_the_library_reads_the_same_payloads(kind: str) -> None:
    found = wechatpy.parse_message(_xml({"MsgId": "24000000000000001", **KINDS[kind]}))
    assert (found.source, found.type) == ("o-lin", kind)


def test_both_sign_the_check_of_the_address_alike() -> None:
    stamp, nonce = str(int(time.time())), "486452656"
    signer = wechatpy.utils.WeChatSigner()
    signer.add_data(ACCOUNT.token, stamp, nonce)
    query = {"signature": signer.signature, "timestamp": stamp, "nonce": nonce, "echostr": "hello"}
    check_signature(ACCOUNT.token, signer.signature, stamp, nonce)
    reply = WeChat.verify(Request(method="GET", query=query), ACCOUNT)
    assert reply is not None
    assert reply.body == b"hello"
