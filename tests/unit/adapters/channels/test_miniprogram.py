"""小程序客服消息: what is its own beside official accounts: who comes in, cards, routine events, what answers mean."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels import wechat_faults
from adapters.channels.miniprogram import MiniProgram
from adapters.channels.miniprogram.faults import FAULTS
from adapters.channels.miniprogram.settings import Account
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
    Reply,
    Request,
    Retry,
    Signal,
    TokenExpired,
    WindowClosed,
)
from tests.simulators.miniprogram import MiniProgramSimulator
from tests.unit.adapters.channels.kit_wechat import events_of

CHANNEL: Channel = MiniProgram()
MODES: list[Any] = ["plain", "compatible", "safe"]
FORMS: list[Any] = ["xml", "json"]
STRANGE = "你好 👨‍👩‍👧 שלום \u2028 ]]> <b>&amp; \\u4f60 \"'"
ORDER = '{"order":"A-1","page":"pages/item?id=77"}'


def simulated(mode: Any = "safe", form: Any = "json") -> tuple[MiniProgramSimulator, Account]:
    simulator = MiniProgramSimulator(mode, form)
    simulator.base = "http://127.0.0.1:9"
    return simulator, msgspec.convert(simulator.account(), Account)


def heard(kind: str = "text", text: str = "", *, mode: Any = "safe", form: Any = "json") -> Message:
    simulator, account = simulated(mode, form)
    [push] = simulator.say("o-lin", text, kind=kind, content=b"bytes")
    [event] = events_of(CHANNEL, account, push.request)
    assert isinstance(event, Message)
    return event


def signalled(event: str, **fields: str) -> Signal:
    simulator, account = simulated()
    [found] = events_of(CHANNEL, account, simulator.event("o-lin", event, **fields).request)
    assert isinstance(found, Signal)
    return found


# --- verify -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_check_of_the_address_is_echoed_and_a_wrong_one_refused(mode: Any) -> None:
    simulator, account = simulated(mode)
    (right, _, echo), (wrong, _, _) = simulator.handshakes()
    assert CHANNEL.verify(right, account) == Reply(body=echo)
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(wrong, account)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_forged_and_stale_callbacks_are_refused(mode: Any, form: Any) -> None:
    simulator, account = simulated(mode, form)
    push = simulator.enters("o-lin", "A-1")
    refused = [*simulator.forged(push), *simulator.stale(push)]
    assert len(refused) >= 6
    for request in refused:
        with pytest.raises(BadSignatureError):
            CHANNEL.verify(request, account)


def test_callback_of_an_official_account_with_the_same_keys_is_refused() -> None:
    simulator, account = simulated()
    simulator.app_id = "wx_of_the_official_account"
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(simulator.enters("o-lin").request, account)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_signed_and_not_to_be_understood_is_malformed(form: Any) -> None:
    simulator, account = simulated("safe", form)
    for request in simulator.malformed():
        assert CHANNEL.verify(request, account) is None
        with pytest.raises(MalformedError):
            CHANNEL.parse(request, account)


# --- parse ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_text_comes_as_it_was_written(mode: Any, form: Any) -> None:
    message = heard(text=STRANGE, mode=mode, form=form)
    assert message == Message(key="24000000000000001", peer=Peer("o-lin"), text=STRANGE, at=message.at)


def test_picture_names_its_media_id() -> None:
    message = heard("image")
    assert (message.kind, message.media) == ("image", [Media("image", "media-1", "image/jpeg")])


def test_page_of_a_mini_program_is_a_card() -> None:
    message = heard("miniprogrampage", "红色手提包")
    assert (message.kind, message.text) == ("card", "红色手提包\npages/item?id=77")
    page = {"title": "红色手提包", "path": "pages/item?id=77", "picture": "http://mmbiz.qpic.cn/t"}
    assert message.attributes == {"card": page, "mini_program": "wx5823bf96d3bd56c7"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("session", ["A-1", ORDER, STRANGE])
def test_what_a_button_carries_asks_and_is_told_as_it_came(session: str, form: Any) -> None:
    simulator, account = simulated("safe", form)
    [signal] = events_of(CHANNEL, account, simulator.enters("o-lin", session).request)
    assert isinstance(signal, Signal)
    assert (signal.name, signal.peer, signal.asks) == ("enter", Peer("o-lin"), True)
    assert signal.data == {"event": "user_enter_tempsession", "scene": session}


@pytest.mark.parametrize("session", ["", "wxapp"])
def test_who_comes_in_by_a_button_that_says_nothing_asks_for_nothing(session: str) -> None:
    signal = signalled("user_enter_tempsession", SessionFrom=session)
    assert (signal.name, signal.asks, signal.data) == ("enter", False, {"event": "user_enter_tempsession"})


def test_thousand_bytes_of_a_button_come_whole() -> None:
    simulator, account = simulated()
    [signal] = events_of(CHANNEL, account, simulator.enters("o-lin", "页" * 400).request)
    assert isinstance(signal, Signal)
    assert signal.data["scene"] == "页" * 333


@pytest.mark.parametrize(
    "event",
    [
        "kf_create_session",
        "kf_close_session",
        "weapp_audit_success",
        "weapp_audit_fail",
        "wxa_media_check",
        "wxa_nickname_audit",
        "subscribe_msg_popup_event",
        "subscribe_msg_change_event",
        "subscribe_msg_sent_event",
        "trade_manage_remind_shipping",
        "trade_manage_order_settlement",
        "add_express_path",
    ],
)
def test_routine_is_counted_and_nothing_more(event: str) -> None:
    signal = signalled(event)
    assert (signal.name, signal.asks, signal.raw) == ("ignored", False, b"")


@pytest.mark.parametrize("event", ["hologram_waved", "xpay_goods_deliver_notify", "user_authorization_revoke"])
def test_event_that_somebody_must_see_is_kept_as_it_came(event: str) -> None:
    signal = signalled(event)
    assert (signal.name, signal.data) == ("unknown", {"event": event})
    assert event in json.loads(signal.raw)["Event"]


def test_kind_of_tomorrow_is_unsupported_and_kept_as_it_came() -> None:
    message = heard("hologram", "light")
    assert (message.kind, message.text) == ("unsupported", "(unsupported: hologram)")
    assert b"light" in message.raw


def test_events_are_told_apart_by_customer_and_second() -> None:
    simulator, account = simulated()
    simulator.clock.ahead_s = 1_400_000_000 - simulator.clock.now() + 0.5
    keys = [events_of(CHANNEL, account, simulator.enters(who).request)[0].key for who in ("o-lin", "o-lin", "o-wu")]
    one, other = (f"{who}:1400000000:user_enter_tempsession" for who in ("o-lin", "o-wu"))
    assert keys == [one, one, other]


def test_callback_is_answered_by_the_word_that_wechat_wants() -> None:
    assert MiniProgram.reply([], simulated()[1], []) == Reply(body=b"success")


def test_plain_mode_takes_a_nonce_once() -> None:
    query = {"timestamp": "1714037059", "nonce": "n"}
    plain, safe = simulated("plain")[1], simulated("safe")[1]
    assert [MiniProgram.once(Request(method="POST", query=query), acc) for acc in (plain, safe)] == ["1714037059:n", ""]


fields = st.dictionaries(
    st.sampled_from(["FromUserName", "MsgType", "CreateTime", "Event", "SessionFrom", "Title", "ThumbUrl", "Encrypt"]),
    st.one_of(st.text(), st.integers(), st.none(), st.just("event"), st.just("miniprogrampage"), st.lists(st.text())),
)


@given(st.one_of(st.binary(max_size=200), fields.map(lambda found: json.dumps(found).encode())), st.sampled_from(MODES))
def test_any_bytes_are_events_or_refused(body: bytes, mode: Any) -> None:
    simulator, account = simulated(mode)
    request = simulator.signed(body)
    try:
        assert CHANNEL.verify(request, account) is None
        found = list(CHANNEL.parse(request, account))
    except MalformedError:
        return
    assert all(isinstance(event, Message | Signal) for event in found)


# --- classify ---------------------------------------------------------------------------------


def meaning(code: int) -> Fault | None:
    body = msgspec.json.encode({"errcode": code, "errmsg": "why"})
    return CHANNEL.classify(200, body, {"content-type": "application/json"})


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ([-1], Retry()),
        ([40001, 40014, 42001, 41001], TokenExpired()),
        ([40007], MediaGone()),
        ([45015], WindowClosed("time")),
        ([45047], WindowClosed("count")),
        ([45009], wechat_faults.QUOTA),
        ([45011], Retry(after_s=60, account=True)),
        ([0, 45072, 45080, 45081], None),
    ],
)
def test_each_code_of_the_table_means_one_thing(codes: list[int], fault: Fault | None) -> None:
    assert [meaning(code) for code in codes] == [fault] * len(codes)


@pytest.mark.parametrize("code", [40003, 40004, 40005, 40006, 40008, 40009, 40033, 40097, 44004, 45002, 45162, 47001])
def test_code_about_one_message_rejects_it_and_says_so(code: int) -> None:
    fault = meaning(code)
    assert isinstance(fault, Rejected)
    assert f"({code})" in fault.reason


@pytest.mark.parametrize("code", [40002, 40013, 40125, 40164, 40200, 40243, 41002, 41004, 48001, 50002])
def test_code_about_the_account_pauses_it_and_says_what_to_do(code: int) -> None:
    fault = meaning(code)
    assert isinstance(fault, Pause)
    assert f"({code})" in fault.reason


def test_code_of_official_accounts_alone_is_told_in_wechats_words() -> None:
    assert [meaning(code) for code in (43004, 65400)] == [
        Rejected("WeChat refuses: 43004 why"),
        Rejected("WeChat refuses: 65400 why"),
    ]


def test_every_reason_of_a_closed_window_has_a_phrase() -> None:
    reasons = {fault.reason for fault in FAULTS.values() if isinstance(fault, WindowClosed)}
    assert reasons == set(CHANNEL.caps.phrases)
