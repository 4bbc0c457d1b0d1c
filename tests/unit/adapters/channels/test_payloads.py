"""WeCom and Douyin, for which no library reads what they post: every value of a documented payload is in its event, but
what is left out on purpose.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from adapters.channels.douyin import protocol as douyin
from adapters.channels.douyin.settings import Account as DouyinAccount
from adapters.channels.wecom import rows
from backbone.channel import Message, Request, Signal
from tests.simulators.douyin import DouyinSimulator
from tests.unit.adapters.channels.leaves import lost

ROW = {"msgid": "m1", "open_kfid": "wk1", "external_userid": "wm1", "send_time": 1700000000, "origin": 3}

WECOM_LEFT_OUT = {
    r"msgid|open_kfid|send_time|origin|msgtype": "the envelope: key, account, time, who and kind",
    r".*\.sales_price": "a price in cents, which is told in yuan",
    r".*\.list\.\d+\.(type|click\.id)": "a menu that was shown, not chosen from",
}

WECOM: dict[str, dict[str, Any]] = {
    "text": {"content": "你好", "menu_id": "101"},
    "image": {"media_id": "media-1"},
    "location": {"latitude": 23.106, "longitude": 113.32, "name": "珠江新城", "address": "广州市海珠区"},
    "link": {"title": "A title", "desc": "about it", "url": "https://example.com/a", "pic_url": "https://p.example/1"},
    "miniprogram": {"title": "Shop", "appid": "wx1", "pagepath": "p/1", "thumb_media_id": "m"},
    "business_card": {"userid": "li"},
    "channels_shop_product": {
        "product_id": "1000",
        "head_image": "https://h.example/1",
        "title": "红色手提包",
        "sales_price": "9900",
        "shop_nickname": "小店",
        "shop_head_image": "https://h.example/2",
    },
    "channels_shop_order": {
        "order_id": "3700000000000000001",
        "product_titles": "红色手提包 等2件商品",
        "price_wording": "¥199.00",
        "state": "待发货",
        "image_url": "https://i.example/1",
        "shop_nickname": "小店",
    },
    "channels": {"sub_type": 1, "nickname": "小店", "title": "上新"},
    "merged_msg": {
        "title": "A chat",
        "item": [
            {"send_time": 17, "msgtype": "text", "sender_name": "Zhao", "msg_content": '{"text":{"content":"no"}}'}
        ],
    },
    "msgmenu": {
        "head_content": "Well?",
        "list": [{"type": "click", "click": {"id": "1", "content": "满意"}}],
        "tail_content": "Thanks",
    },
    "hologram": {"light": "blue", "depth": {"cm": 12}},
}


@pytest.mark.parametrize("kind", WECOM)
def test_every_value_of_a_row_of_wecom_is_in_its_event(kind: str) -> None:
    row = {**ROW, "msgtype": kind, kind: WECOM[kind]}
    event = rows.event_of(msgspec.json.encode(row))
    assert isinstance(event, Message)
    assert (event.kind == "unsupported") == (kind == "hologram")
    assert lost(row, [event], WECOM_LEFT_OUT) == []


def test_how_somebody_came_to_wecom_is_told_whole() -> None:
    happened = {
        "event_type": "enter_session",
        "open_kfid": "wk1",
        "external_userid": "wm1",
        "scene": "oauth",
        "scene_param": "store_17",
        "welcome_code": "code-1",
    }
    row = {"msgid": "e1", "send_time": 1, "origin": 4, "msgtype": "event", "event": happened}
    event = rows.event_of(msgspec.json.encode(row))
    assert isinstance(event, Signal)
    assert lost(row, [event], {**WECOM_LEFT_OUT, r"event\.(event_type|open_kfid)": "told as enter"}) == []


DOUYIN_LEFT_OUT = {
    r"event|client_key|to_user_id|log_id": "the envelope",
    r"content\.(message_type|conversation_type|source|index)": "kind and place",
    r"content\.user_infos\.\d+\.avatar": "a picture of them, whose address ends soon",
    r"content\.user_infos\.1\..*": "our own account",
    r"content\.card_status": "whether a card was filled in",
    r"content\.create_time": "the event's own time",
}

DOUYIN: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("text", {"text": "你好"}),
    "picture": ("user_local_image", {}),
    "emoji": ("emoji", {"resource_url": "https://p3.douyinpic.com/e"}),
    "video": ("video", {"item_id": "@item"}),
    "card": (
        "retain_consult_card",
        {"card_id": "@card", "card_status": 2, "card_data": [{"label": "姓名", "value": "林"}]},
    ),
    "unknown": ("hologram", {"light": "blue"}),
}


def _pushed(event: str, kind: str, more: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    simulator = DouyinSimulator(tree="mini")
    simulator.base = "http://127.0.0.1"
    account = msgspec.convert(simulator.account(), DouyinAccount)
    push = simulator.push(event, "lin", simulator.open_id, simulator._inside("lin", "@7", kind, more))
    headers = {name.lower(): value for name, value in push.request.headers.items()}
    request = Request(method="POST", headers=headers, body=push.request.body)
    assert douyin.verify(request, account) is None
    return json.loads(request.body), douyin.parse(request, account)


@pytest.mark.parametrize("kind", DOUYIN)
def test_every_value_of_a_message_of_douyin_is_in_its_event(kind: str) -> None:
    payload, events = _pushed("im_receive_msg", *DOUYIN[kind])
    assert isinstance(events[0], Message)
    assert lost(payload, events, DOUYIN_LEFT_OUT) == []


def test_by_which_advertisement_somebody_came_to_douyin_is_told() -> None:
    ad = {"ad_id": 7, "creative": {"title": "Tea"}}
    payload, events = _pushed("im_enter_direct_msg", "", {"scene_type": 1, "ad_info": json.dumps(ad)})
    assert isinstance(events[0], Signal)
    left_out = {**DOUYIN_LEFT_OUT, r"content\.user_infos\..*": "asked for where there is none"}
    assert lost(payload, events, left_out) == []
