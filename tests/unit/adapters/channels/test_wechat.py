"""微信公众号: callbacks as events, in three modes and two formats, and what an answer means."""

from __future__ import annotations

import json
import time
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels import wechat_crypto as crypto
from adapters.channels.wechat import WeChat
from adapters.channels.wechat.faults import FAULTS
from adapters.channels.wechat.settings import Account
from adapters.channels.wechat_faults import QUOTA, until_midnight
from backbone.channel import (
    BadSignatureError,
    Channel,
    Fault,
    MalformedError,
    Media,
    MediaGone,
    Message,
    Pause,
    Peer,
    Rejected,
    Request,
    Retry,
    Signal,
    TokenExpired,
    WindowClosed,
)
from tests.simulators.wechat import WeChatSimulator
from tests.unit.adapters.channels.kit_wechat import events_of

CHANNEL: Channel = WeChat()
MODES: list[Any] = ["plain", "compatible", "safe"]
FORMS: list[Any] = ["xml", "json"]
STRANGE = "你好 👨‍👩‍👧 שלום \u2028 ]]> <b>&amp; \\u4f60 \"'"


def simulated(mode: Any = "safe", form: Any = "xml") -> tuple[WeChatSimulator, Account]:
    simulator = WeChatSimulator(mode, form)
    simulator.base = "http://127.0.0.1:9"
    return simulator, msgspec.convert(simulator.account(), Account)


def heard(simulator: WeChatSimulator, account: Account, kind: str = "text", text: str = "", **more: Any) -> Message:
    [push] = simulator.say("o-lin", text, kind=kind, content=b"bytes", **more)
    [event] = events_of(CHANNEL, account, push.request)
    assert isinstance(event, Message)
    return event


def signalled(event: str, key: str = "", **more: str) -> Signal:
    simulator, account = simulated()
    [found] = events_of(CHANNEL, account, simulator.happens("o-lin", event, key, **more).request)
    assert isinstance(found, Signal)
    return found


# --- verify -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_check_of_the_address_is_echoed_and_a_wrong_one_refused(mode: Any) -> None:
    simulator, account = simulated(mode)
    (right, status, echo), (wrong, refused, _) = simulator.handshakes()
    reply = CHANNEL.verify(right, account)
    assert reply is not None
    assert (reply.status, reply.body) == (status, echo)
    assert refused == 401
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(wrong, account)


def test_published_vector_of_the_address_check_is_echoed() -> None:
    account = Account(app_id="wx1", app_secret="s", token="AAAAA")
    query = {
        "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
        "timestamp": "1714037059",
        "nonce": "486452656",
        "echostr": "4375120948345356249",
    }
    reply = CHANNEL.verify(Request(method="GET", query=query), account)
    assert reply is not None
    assert reply.body == b"4375120948345356249"


@pytest.mark.parametrize("days", [400, 1, 1 / 240, -1])
@pytest.mark.parametrize("mode", MODES)
def test_signed_query_of_400_days_ago_is_refused(mode: Any, days: float, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator, account = simulated(mode)
    [push] = simulator.say("o-lin", "hello")
    assert CHANNEL.verify(push.request, account) is None
    later = time.time() + days * 86_400
    monkeypatch.setattr("adapters.channels.wechat_callbacks.time.time", lambda: later)
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(push.request, account)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "１７", "9" * 5000])
def test_signed_query_without_a_time_is_refused(stamp: str) -> None:
    _, account = simulated("plain")
    query = {"signature": crypto.sign(account.token, stamp, "n"), "timestamp": stamp, "nonce": "n"}
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(Request(method="POST", query=query, body=b"<xml/>"), account)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_forged_callback_is_refused(mode: Any, form: Any) -> None:
    simulator, account = simulated(mode, form)
    [push] = simulator.say("o-lin", "hello")
    forged = simulator.forged(push)
    assert len(forged) == (3 if mode == "plain" else 4)
    for request in forged:
        with pytest.raises(BadSignatureError):
            CHANNEL.verify(request, account)


def test_account_with_a_key_takes_nothing_that_is_not_encrypted() -> None:
    simulator, account = simulated("safe")
    simulator.mode = "plain"
    [push] = simulator.say("o-lin", "hello")
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(push.request, account)


def test_message_of_another_account_with_the_same_keys_is_refused() -> None:
    simulator, account = simulated("safe")
    simulator.app_id = "wx_of_another"
    [push] = simulator.say("o-lin", "hello")
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(push.request, account)


def test_previous_key_is_good_beside_the_new_one() -> None:
    simulator, account = simulated("safe")
    new = msgspec.structs.replace(account, aes_key="A" * 43, previous_aes_key=account.aes_key)
    assert heard(simulator, new, text="late").text == "late"


def test_plain_fields_of_compatible_mode_are_not_believed() -> None:
    simulator, account = simulated("compatible")
    [push] = simulator.say("o-lin", "hello")
    swapped = push.request.body.replace(b"hello", b"transfer the money").replace(b"o-lin", b"o-boss")
    request = msgspec.structs.replace(push.request, body=swapped)
    [event] = events_of(CHANNEL, account, request)
    assert isinstance(event, Message)
    assert (event.peer.id, event.text) == ("o-lin", "hello")


# --- parse ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_text_comes_as_it_was_written(mode: Any, form: Any) -> None:
    simulator, account = simulated(mode, form)
    simulator.clock.ahead_s = 1_400_000_000 - simulator.clock.now() + 0.5
    message = heard(simulator, account, text=STRANGE)
    assert message == Message(key=message.key, peer=Peer("o-lin"), text=STRANGE, at=1_400_000_000_000)
    assert message.key == "24000000000000001"


def test_redelivery_has_the_same_key() -> None:
    simulator, account = simulated()
    [push] = simulator.say("o-lin", "hello")
    first, second = (events_of(CHANNEL, account, push.request)[0].key for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("kind", "ours", "mime"),
    [
        ("image", "image", "image/jpeg"),
        ("audio", "audio", "audio/amr"),
        ("video", "video", "video/mp4"),
        ("shortvideo", "video", "video/mp4"),
    ],
)
def test_file_of_a_customer_names_its_media_id(kind: str, ours: str, mime: str) -> None:
    simulator, account = simulated()
    message = heard(simulator, account, kind)
    assert message.kind == ours
    assert message.media == [Media(ours, "media-1", mime)]


def test_voice_brings_what_was_recognised_and_its_format() -> None:
    simulator, account = simulated()
    message = heard(simulator, account, "audio", Recognition="你好", Format="speex")
    assert message.text == "你好"
    assert message.media[0].mime == "audio/speex"


def test_location_x_is_the_latitude() -> None:
    simulator, account = simulated(form="json")
    message = heard(simulator, account, "location", "珠江新城")
    assert (message.kind, message.text) == ("location", "珠江新城\n23.134521, 113.358803")
    assert message.attributes == {"place": "珠江新城", "latitude": 23.134521, "longitude": 113.358803}


def test_link_is_a_card_of_three_lines() -> None:
    simulator, account = simulated()
    message = heard(simulator, account, "link", "A title")
    assert (message.kind, message.text) == ("card", "A title\nabout it\nhttps://example.com/a?b=1&c=2")


def test_tapped_item_of_a_msgmenu_is_a_text_with_the_items_id() -> None:
    simulator, account = simulated()
    message = heard(simulator, account, text="满意", bizmsgmenuid="101")
    assert (message.text, message.attributes) == ("满意", {"choice": "101"})


def test_kind_of_tomorrow_is_unsupported_and_kept_as_it_came() -> None:
    simulator, account = simulated()
    message_push, event_push = simulator.unknown("o-lin")
    [message] = events_of(CHANNEL, account, message_push.request)
    [event] = events_of(CHANNEL, account, event_push.request)
    assert isinstance(message, Message)
    assert (message.kind, message.text) == ("unsupported", "(unsupported: hologram)")
    assert b"hologram" in message.raw
    assert isinstance(event, Signal)
    assert event.name == "unknown"
    assert b"hologram_waved" in event.raw


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("subscribe", "menu"),
        ("SCAN", "menu"),
        ("CLICK", "menu"),
        ("scancode_waitmsg", "menu"),
        ("unsubscribe", "blocked"),
        ("LOCATION", "ignored"),
        ("VIEW", "ignored"),
        ("TEMPLATESENDJOBFINISH", "ignored"),
    ],
)
def test_event_is_a_signal(event: str, name: str) -> None:
    found = signalled(event, "qrscene_7")
    assert (found.name, found.peer, found.raw) == (name, Peer("o-lin"), b"")
    told = {"scene": "7"} if event in {"subscribe", "SCAN"} else {"choice": "qrscene_7"}
    assert found.data == {"event": event, **told}
    assert found.asks == (name == "menu")


def test_who_only_follows_asks_for_nothing() -> None:
    assert not signalled("subscribe").asks
    assert signalled("scancode_waitmsg", "scan").data["choice"] == "scan"


def test_location_event_keeps_where_the_customer_is() -> None:
    data = signalled("LOCATION", Latitude="23.1", Longitude="113.3", Precision="65").data
    assert data == {"event": "LOCATION", "latitude": "23.1", "longitude": "113.3", "precision": "65"}


def test_events_are_told_apart_by_customer_second_and_kind() -> None:
    simulator, account = simulated()
    simulator.clock.ahead_s = 1_400_000_000 - simulator.clock.now() + 0.5
    pushes = [
        simulator.happens("o-lin", "CLICK", "a"),
        simulator.happens("o-wu", "CLICK", "a"),
        simulator.happens("o-lin", "VIEW", "a"),
    ]
    keys = [events_of(CHANNEL, account, push.request)[0].key for push in pushes]
    assert keys == ["o-lin:1400000000:CLICK", "o-wu:1400000000:CLICK", "o-lin:1400000000:VIEW"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_signed_and_not_to_be_understood_is_malformed(mode: Any, form: Any) -> None:
    simulator, account = simulated(mode, form)
    for request in simulator.malformed():
        assert CHANNEL.verify(request, account) is None
        with pytest.raises(MalformedError):
            CHANNEL.parse(request, account)


def test_encrypted_callback_of_an_account_without_a_key_is_malformed() -> None:
    simulator, account = simulated("safe")
    [push] = simulator.say("o-lin", "hello")
    plain = msgspec.structs.replace(account, aes_key="")
    assert CHANNEL.verify(push.request, plain) is None
    with pytest.raises(MalformedError):
        CHANNEL.parse(push.request, plain)


fields = st.dictionaries(
    st.sampled_from(["FromUserName", "MsgType", "CreateTime", "MsgId", "Event", "MediaId", "Content", "Encrypt"]),
    st.one_of(
        st.text(), st.integers(), st.floats(), st.none(), st.just("event"), st.just("image"), st.lists(st.text())
    ),
)


@given(
    st.one_of(st.binary(max_size=200), fields.map(lambda found: json.dumps(found).encode())),
    st.dictionaries(st.sampled_from(["signature", "msg_signature", "timestamp", "nonce", "echostr"]), st.text()),
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(MODES),
)
def test_any_bytes_are_events_or_refused(
    body: bytes, query: dict[str, str], method: str, mode: Literal["plain", "safe"]
) -> None:
    simulator, account = simulated(mode)
    sealed = simulator.signed(body)
    for request in (Request(method=method, query=query, body=body), sealed):
        try:
            CHANNEL.verify(request, account)
            found = list(CHANNEL.parse(request, account))
        except (BadSignatureError, MalformedError):
            continue
        assert all(isinstance(event, Message | Signal) for event in found)


# --- classify ---------------------------------------------------------------------------------


def meaning(answer: Any, status: int = 200, kind: str = "application/json; encoding=utf-8") -> Fault | None:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return CHANNEL.classify(status, body, {"content-type": kind})


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ([-1], Retry()),
        ([40001, 40014, 42001, 41001], TokenExpired()),
        ([40007], MediaGone()),
        ([43004], WindowClosed("unfollowed")),
        ([48002], WindowClosed("refused")),
        ([45015], WindowClosed("time")),
        ([45047], WindowClosed("count")),
        ([45009], QUOTA),
        ([45011], Retry(after_s=60, account=True)),
        ([45072, 45080, 45081, 0], None),
    ],
)
def test_each_code_of_the_table_means_one_thing(codes: list[int], fault: Fault | None) -> None:
    for code in codes:
        assert meaning({"errcode": code, "errmsg": "x"}) == fault


@pytest.mark.parametrize("code", [40003, *range(40004, 40013), 44004, 45002, 45008, 47001, 40033])
def test_code_about_one_message_rejects_it(code: int) -> None:
    fault = meaning({"errcode": code, "errmsg": "x"})
    assert fault == MediaGone() if code == 40007 else isinstance(fault, Rejected | Pause)
    assert str(code) in repr(fault) or code == 40007


@pytest.mark.parametrize("code", [40013, 40125, 40164, 40243, 48001, 50002])
def test_code_about_the_account_pauses_it_and_says_what_to_do(code: int) -> None:
    fault = meaning({"errcode": code, "errmsg": "x"})
    assert isinstance(fault, Pause)
    assert str(code) in fault.reason


def test_code_that_nobody_has_told_us_of_rejects_in_wechats_words() -> None:
    assert meaning({"errcode": 99999, "errmsg": "new"}) == Rejected("WeChat refuses: 99999 new")


def test_every_reason_of_a_closed_window_has_a_phrase() -> None:
    reasons = {fault.reason for fault in FAULTS.values() if isinstance(fault, WindowClosed)}
    assert reasons == set(CHANNEL.caps.phrases)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[1]", b'{"errcode":"x"}', b"[" * 100_000])
def test_answer_of_something_else_in_wechats_place_is_tried_again(body: bytes) -> None:
    assert meaning(body, kind="text/html") == Retry()


@pytest.mark.parametrize(
    ("status", "fault"),
    [(500, Retry), (502, Retry), (429, Retry), (408, Retry), (413, Rejected), (404, Pause), (302, Pause)],
)
def test_status_of_http_is_read_as_well(status: int, fault: type) -> None:
    assert isinstance(meaning(b"x", status), fault)


def test_file_is_no_error_whatever_it_holds() -> None:
    body = b'{"errcode": 40001}'
    assert CHANNEL.classify(200, body, {"content-type": "image/jpeg"}) is None
    assert CHANNEL.classify(200, body, {"content-type": "text/plain", "content-disposition": "attachment"}) is None
    assert CHANNEL.classify(200, body, {"content-type": "text/plain"}) == TokenExpired()


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (1_735_660_800.0, 86_400.0),  # 2025-01-01 00:00 in Shanghai
        (1_735_660_799.5, 0.5),
        (1_735_664_400.0, 82_800.0),
    ],
)
def test_quota_begins_anew_at_midnight_in_shanghai(now: float, wait: float) -> None:
    assert until_midnight(now) == wait


def test_settings_name_their_secrets_and_refuse_a_key_of_another_length() -> None:
    schema = msgspec.json.schema(Account)["$defs"]["Account"]["properties"]
    secrets = {name for name, field in schema.items() if field.get("secret")}
    assert secrets == {"app_secret", "token", "aes_key", "previous_aes_key"}
    assert all(field["title"] and field["description"] for field in schema.values())
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"app_id": "a", "app_secret": "s", "token": "t", "aes_key": "short"}, Account)
