"""微信客服: bells, rows as events, and what an answer means."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.wecom import WeCom
from adapters.channels.wecom.faults import FAULTS, SEND_FAILS, STALE_BELL, STATE
from adapters.channels.wecom.rows import event_of
from adapters.channels.wecom.settings import Account
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
    Pull,
    Receipt,
    Rejected,
    Request,
    Retry,
    Signal,
    TokenExpired,
    WindowClosed,
)
from tests.simulators.wecom import WeComSimulator
from tests.unit.adapters.channels.kit_wechat import events_of

CHANNEL: Channel = WeCom()
STRANGE = "你好 👨‍👩‍👧 שלום \u2028 ]]> <b>&amp; \\u4f60 \"'"


def simulated() -> tuple[WeComSimulator, Account]:
    simulator = WeComSimulator()
    simulator.base = "http://127.0.0.1:9"
    return simulator, msgspec.convert(simulator.account(), Account)


def row_event(row: dict[str, Any]) -> Any:
    return event_of(json.dumps(row, ensure_ascii=False).encode())


def last(simulator: WeComSimulator) -> Any:
    """The event of the newest row."""
    return row_event(simulator.rows[-1].row)


# --- callbacks --------------------------------------------------------------------------------


def test_check_of_the_address_is_answered_with_the_opened_echo() -> None:
    simulator, account = simulated()
    (right, status, echo), (wrong, _, _) = simulator.handshakes()
    reply = CHANNEL.verify(right, account)
    assert reply is not None
    assert (reply.status, reply.body) == (status, echo)
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(wrong, account)


def test_published_vector_of_the_address_check_is_opened() -> None:
    account = Account(
        corp_id="wx5823bf96d3bd56c7",
        secret="s",
        token="QDG6eK",
        aes_key="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        open_kfid="wk",
    )
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        "timestamp": "1409659589",
        "nonce": "263014780",
        "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    }
    reply = CHANNEL.verify(Request(method="GET", query=query), account)
    assert reply is not None
    assert reply.body == b"1616140317555161061"


def test_bell_is_a_pull_with_its_token() -> None:
    simulator, account = simulated()
    [push] = simulator.say("wm-lin", "hello")
    assert events_of(CHANNEL, account, push.request) == [Pull(stream="wkSimulator", hint=push.id)]


def test_bell_of_another_account_of_the_app_is_let_go() -> None:
    simulator, account = simulated()
    request = simulator.signed(simulator.ringing("t", open_kfid="wkAnother"))
    assert events_of(CHANNEL, account, request) == []


def test_callback_that_is_no_bell_is_unknown_and_kept() -> None:
    simulator, account = simulated()
    inside = simulator.ringing("t", event="change_contact")
    [event] = events_of(CHANNEL, account, simulator.signed(inside))
    assert isinstance(event, Signal)
    assert (event.name, event.data, event.raw) == ("unknown", {"event": "change_contact"}, inside)


def test_forged_bell_is_refused() -> None:
    simulator, account = simulated()
    for request in simulator.forged(simulator.bell()):
        with pytest.raises(BadSignatureError):
            CHANNEL.verify(request, account)


@pytest.mark.parametrize(
    ("tail", "receive_id", "is_ours"),
    [
        ("wx5823bf96d3bd56c7", "", True),
        ("", "", True),
        ("ww_of_another", "", False),
        ("suite1", "suite1", True),
        ("wx5823bf96d3bd56c7", "suite1", False),
    ],
)
def test_tail_is_the_company_nobody_or_the_suite(tail: str, receive_id: str, *, is_ours: bool) -> None:
    simulator, account = simulated()
    simulator.tail = tail
    account = msgspec.structs.replace(account, receive_id=receive_id)
    request = simulator.bell().request
    if is_ours:
        assert CHANNEL.verify(request, account) is None
    else:
        with pytest.raises(BadSignatureError):
            CHANNEL.verify(request, account)


def test_previous_key_is_good_beside_the_new_one() -> None:
    simulator, account = simulated()
    account = msgspec.structs.replace(account, aes_key="A" * 43, previous_aes_key=account.aes_key)
    assert len(events_of(CHANNEL, account, simulator.bell().request)) == 1


def test_what_is_signed_and_not_to_be_understood_is_malformed() -> None:
    simulator, account = simulated()
    for request in simulator.malformed():
        assert CHANNEL.verify(request, account) is None
        with pytest.raises(MalformedError):
            CHANNEL.parse(request, account)


@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["msg_signature", "timestamp", "nonce", "echostr"]), st.text()),
    st.sampled_from(["GET", "POST"]),
)
def test_any_bytes_are_events_or_refused(body: bytes, query: dict[str, str], method: str) -> None:
    simulator, account = simulated()
    for request in (Request(method=method, query=query, body=body), simulator.signed(body)):
        try:
            CHANNEL.verify(request, account)
            found = list(CHANNEL.parse(request, account))
        except (BadSignatureError, MalformedError):
            continue
        assert all(isinstance(event, Pull | Signal) for event in found)


# --- rows -------------------------------------------------------------------------------------


def test_text_comes_as_it_was_written() -> None:
    simulator, _ = simulated()
    simulator.clock.ahead_s = 1_400_000_000 - simulator.clock.now() + 0.5
    simulator.say("wm-lin", STRANGE)
    assert last(simulator) == Message(key="row1", peer=Peer("wm-lin"), text=STRANGE, at=1_400_000_000_000)


def test_tapped_item_of_a_menu_is_a_text_with_the_items_id() -> None:
    simulator, _ = simulated()
    simulator.say("wm-lin", "满意", menu_id="101")
    assert (last(simulator).text, last(simulator).attributes) == ("满意", {"choice": "101"})


@pytest.mark.parametrize(
    ("kind", "ours", "mime"),
    [
        ("image", "image", "image/jpeg"),
        ("voice", "audio", "audio/amr"),
        ("video", "video", "video/mp4"),
        ("file", "file", ""),
    ],
)
def test_file_of_a_customer_names_its_media_id(kind: str, ours: str, mime: str) -> None:
    simulator, _ = simulated()
    simulator.say("wm-lin", kind=kind, content=b"x")
    assert last(simulator).kind == ours
    assert last(simulator).media == [Media(ours, "media-1", mime)]


def test_place_and_cards_are_lines() -> None:
    simulator, _ = simulated()
    simulator.say("wm-lin", "珠江新城", kind="location")
    place = last(simulator)
    assert (place.kind, place.text) == ("location", "珠江新城\n广州市海珠区\n23.106, 113.32")
    assert place.attributes == {"place": "珠江新城", "address": "广州市海珠区", "latitude": 23.106, "longitude": 113.32}
    simulator.say("wm-lin", "A title", kind="link")
    assert (last(simulator).kind, last(simulator).text) == ("card", "A title\nabout it\nhttps://example.com/a")
    simulator.row(
        "wm-lin", 3, "miniprogram", {"title": "Shop", "appid": "wx1", "pagepath": "p/1", "thumb_media_id": "m"}
    )
    assert (last(simulator).kind, last(simulator).text) == ("card", "Shop\np/1")
    simulator.row("wm-lin", 3, "business_card", {"userid": "li"})
    assert (last(simulator).kind, last(simulator).text) == ("card", "li")


def test_menu_that_was_shown_is_a_text_of_its_lines() -> None:
    simulator, _ = simulated()
    items = [
        {"type": "click", "click": {"id": "1", "content": "满意"}},
        {"type": "view", "view": {"content": "More"}},
        7,
    ]
    simulator.row("wm-lin", 5, "msgmenu", {"head_content": "Well?", "list": items, "tail_content": "Thanks"})
    assert last(simulator).text == "Well?\n- 满意\n- More\nThanks"
    assert last(simulator).echo


def test_what_an_agent_types_in_wecom_is_an_echo_with_their_name() -> None:
    simulator, _ = simulated()
    simulator.servicer_says("wm-lin", "here I am", "wang")
    event = last(simulator)
    assert (event.echo, event.automatic, event.peer) == (True, False, Peer("wm-lin"))
    assert (event.text, event.attributes) == ("here I am", {"servicer": "wang"})


def test_what_the_system_says_is_an_echo_that_nobody_wrote() -> None:
    simulator, _ = simulated()
    simulator.row("wm-lin", 4, "text", {"content": "no agent is there"})
    assert (last(simulator).echo, last(simulator).automatic) == (True, True)


def test_kind_and_event_of_tomorrow_are_kept_as_they_came() -> None:
    simulator, _ = simulated()
    simulator.unknown("wm-lin")
    message, event = (row_event(one.row) for one in simulator.rows)
    assert (message.kind, message.text) == ("unsupported", "(unsupported: hologram)")
    assert json.loads(message.raw)["hologram"] == {"light": 1}
    assert (event.name, event.data) == ("unknown", {"event": "hologram_waved"})
    assert json.loads(event.raw) == simulator.rows[1].row


def test_entering_brings_the_code_for_a_welcome_once_in_48_hours() -> None:
    simulator, _ = simulated()
    simulator.enters("wm-lin", "from_poster")
    first = last(simulator)
    assert (first.name, first.peer) == ("enter", Peer("wm-lin"))
    assert first.data == {"scene": "from_poster", "scene_param": "p", "code": "code-1"}
    simulator.welcomed["wm-lin"] = simulator.clock.now()
    simulator.enters("wm-lin")
    assert "code" not in last(simulator).data


@pytest.mark.parametrize("fail_type", [*SEND_FAILS, 99])
def test_message_that_did_not_arrive_is_a_failed_receipt(fail_type: int) -> None:
    simulator, _ = simulated()
    simulator.msgids["m1"] = "wm-lin"
    simulator.fails("m1", fail_type)
    receipt = last(simulator)
    assert isinstance(receipt, Receipt)
    assert (receipt.ref, receipt.status, receipt.code, receipt.peer) == ("m1", "failed", str(fail_type), Peer("wm-lin"))
    assert receipt.reason == SEND_FAILS.get(fail_type, "WeCom couldn't deliver it (99).")


@pytest.mark.parametrize("event", ["user_recall_msg", "servicer_recall_msg"])
def test_withdrawn_message_is_named(event: str) -> None:
    simulator, _ = simulated()
    simulator.happens(event, "wm-lin", recall_msgid="row1")
    assert (last(simulator).name, last(simulator).data) == ("recall", {"ref": "row1"})


def test_customer_who_refuses_messages_is_blocked_until_they_take_them_again() -> None:
    simulator, _ = simulated()
    simulator.happens("reject_customer_msg_switch_change", "wm-lin", reject_switch=1)
    assert last(simulator).name == "blocked"
    simulator.happens("reject_customer_msg_switch_change", "wm-lin", reject_switch=0)
    assert last(simulator).name == "enter"


def test_changes_of_sessions_are_known_and_of_no_use() -> None:
    simulator, _ = simulated()
    simulator.happens("session_status_change", "wm-lin", change_type=3, old_servicer_userid="li", msg_code="c")
    assert last(simulator).name == "ignored"
    assert last(simulator).data == {
        "event": "session_status_change",
        "change_type": "3",
        "old_servicer_userid": "li",
        "msg_code": "c",
    }
    simulator.happens("servicer_status_change", status=1)
    assert (last(simulator).name, last(simulator).peer) == ("ignored", None)


def test_row_without_an_id_has_the_same_key_however_its_fields_are_ordered() -> None:
    one = {"external_userid": "wm", "origin": 3, "msgtype": "text", "text": {"content": "a"}, "send_time": 1}
    other = dict(reversed(one.items()))
    assert row_event(one).key == row_event(other).key
    assert row_event(one).key != row_event({**one, "send_time": 2}).key


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"msgid":"r","msgtype":["text"],"external_userid":"wm"}',
        b'{"msgid":"r","msgtype":"event","event":[]}',
        b'{"msgid":"r","msgtype":"text","text":{"content":"x"}}',
        b'{"msgid":"\\ud800"}',
    ],
)
def test_row_that_cannot_be_read_is_unknown_and_stops_no_other(row: bytes) -> None:
    event = event_of(row)
    assert isinstance(event, Signal)
    assert (event.name, event.raw) == ("unknown", row)


def test_wrong_types_within_a_row_harm_nothing() -> None:
    event = row_event(
        {"msgid": 7, "external_userid": "wm", "msgtype": "text", "text": {"content": "a\0b"}, "send_time": "x"}
    )
    assert (event.key, event.text, event.at) == ("7", "a\ufffdb", 0)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from(["content", "list", "click"]), inner)),
    max_leaves=5,
)
rows = st.fixed_dictionaries(
    {"msgtype": st.sampled_from(["text", "image", "location", "link", "msgmenu", "event", "new"])},
    optional=dict.fromkeys(
        ("msgid", "external_userid", "origin", "send_time", "text", "image", "msgmenu", "event", "link"), values
    ),
)


@given(st.one_of(st.binary(max_size=200), rows.map(lambda row: json.dumps(row).encode())))
def test_any_row_is_an_event(row: bytes) -> None:
    assert isinstance(event_of(row), Message | Receipt | Signal)


# --- classify ---------------------------------------------------------------------------------


def meaning(answer: Any, status: int = 200, kind: str = "application/json; charset=UTF-8") -> Fault | None:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return CHANNEL.classify(status, body, {"content-type": kind})


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ([-1, 6000], Retry()),
        ([40014, 42001, 41001], TokenExpired()),
        ([40007], MediaGone()),
        ([45009, 45033], Retry(after_s=60, account=True)),
        ([95001], WindowClosed("count")),
        ([95002], WindowClosed("time")),
        ([95013], WindowClosed("ended")),
        ([95018], STATE),
        ([95007], STALE_BELL),
        ([0], None),
    ],
)
def test_each_code_of_the_table_means_one_thing(codes: list[int], fault: Fault | None) -> None:
    for code in codes:
        assert meaning({"errcode": code, "errmsg": "x"}) == fault


@pytest.mark.parametrize("code", [95008, 95009, 95014, 95016, 95019, 95022, 95030])
def test_code_about_one_message_rejects_it(code: int) -> None:
    fault = meaning({"errcode": code, "errmsg": "x"})
    assert isinstance(fault, Rejected)
    assert f"({code})" in fault.reason


@pytest.mark.parametrize("code", [40001, 40013, 48002, 60020, 95000, 95003, 95004, 95011, 95012, 95017, 95023])
def test_code_about_the_account_pauses_it_and_says_what_to_do(code: int) -> None:
    fault = meaning({"errcode": code, "errmsg": "x"})
    assert isinstance(fault, Pause)
    assert f"({code})" in fault.reason


def test_code_that_nobody_has_told_us_of_rejects_in_wecoms_words() -> None:
    assert meaning({"errcode": 99999, "errmsg": "new"}) == Rejected("WeCom refuses: 99999 new")


def test_every_reason_of_a_closed_window_has_a_phrase() -> None:
    reasons = {fault.reason for fault in FAULTS.values() if isinstance(fault, WindowClosed)}
    assert reasons == set(CHANNEL.caps.phrases)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[1]", b'{"errcode":"x"}', b"[" * 100_000])
def test_answer_of_something_else_in_wecoms_place_is_tried_again(body: bytes) -> None:
    assert meaning(body, kind="text/html") == Retry()


@pytest.mark.parametrize(
    ("status", "fault"),
    [(500, Retry), (502, Retry), (429, Retry), (408, Retry), (413, Rejected), (404, Pause), (302, Pause)],
)
def test_status_of_http_is_read_as_well(status: int, fault: type) -> None:
    assert isinstance(meaning(b"x", status), fault)


def test_file_is_no_error_whatever_it_holds() -> None:
    body = b'{"errcode": 40014}'
    assert CHANNEL.classify(200, body, {"content-type": "image/jpeg"}) is None
    attached = {"content-type": "application/json", "content-disposition": 'attachment; filename="a.json"'}
    assert CHANNEL.classify(200, body, attached) is None


def test_settings_name_their_secrets_and_refuse_a_key_of_another_length() -> None:
    schema = msgspec.json.schema(Account)["$defs"]["Account"]["properties"]
    secrets = {name for name, field in schema.items() if field.get("secret")}
    assert secrets == {"secret", "token", "aes_key", "previous_aes_key"}
    assert all(field["title"] and field["description"] for field in schema.values())
    _, account = simulated()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**msgspec.to_builtins(account), "aes_key": "short"}, Account)
