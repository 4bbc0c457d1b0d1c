"""What LINE's callbacks mean."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from adapters.channels.line import Line, faults, protocol
from adapters.channels.line.protocol import Ref, ref_of
from adapters.channels.line.settings import Account
from backbone.channel import (
    BadSignatureError,
    Duplicate,
    MalformedError,
    Pause,
    Rejected,
    Request,
    Retry,
    TokenExpired,
)
from tests.simulators.base import Push
from tests.simulators.line import LineSimulator
from tests.unit.adapters.channels.kit_telegram import lower

ACCOUNT = Account(secret="0123456789abcdef0123456789abcdef", channel_id="1657000000")
PNG = b"\x89PNG\r\n\x1a\n\0\xff"


def as_node(request: Request) -> Request:
    """As a node hands it on."""
    return msgspec.structs.replace(request, headers=lower(request.headers))


def events_of(pushes: list[Push]) -> list[Any]:
    """What verified callbacks of the simulator mean."""
    events: list[Any] = []
    for push in pushes:
        request = as_node(push.request)
        assert protocol.verify(request, ACCOUNT) is None
        events += protocol.parse(request, ACCOUNT)
    return events


def said(text: str = "", **more: Any) -> Any:
    (event,) = events_of(LineSimulator().say("ann", text, **more))
    return event


def test_the_button_verify_is_answered_by_nothing_to_store() -> None:
    (request, _, _), (wrong, _, _) = LineSimulator().handshakes()
    assert protocol.verify(as_node(request), ACCOUNT) is None
    assert protocol.parse(as_node(request), ACCOUNT) == []
    with pytest.raises(BadSignatureError):
        protocol.verify(as_node(wrong), ACCOUNT)


@pytest.mark.parametrize("number", range(4))
def test_a_forged_callback_is_refused(number: int) -> None:
    simulator = LineSimulator()
    forged = simulator.forged(simulator.say("ann", "hello")[0])
    with pytest.raises(BadSignatureError):
        protocol.verify(as_node(forged[number]), ACCOUNT)


@pytest.mark.parametrize("number", range(8))
def test_what_cannot_be_understood_is_malformed(number: int) -> None:
    request = as_node(LineSimulator().malformed()[number])
    assert protocol.verify(request, ACCOUNT) is None
    with pytest.raises(MalformedError):
        protocol.parse(request, ACCOUNT)


@pytest.mark.parametrize(
    "bad",
    [
        7,
        "x",
        {"type": "message", "webhookEventId": "1", "source": {"userId": "U"}, "message": "x"},
        {"type": "message", "webhookEventId": "1", "message": {"id": "1", "type": "text"}},
        {"type": "follow", "source": {"userId": 7}},
    ],
)
def test_a_bad_event_is_kept_and_stops_none_of_the_others(bad: Any) -> None:
    simulator = LineSimulator()
    (push,) = simulator.say("ann", "hello")
    (good,) = json.loads(push.request.body)["events"]
    kept, heard = protocol.parse(Request(method="POST", body=simulator.body([bad, good])), ACCOUNT)
    assert (kept.name, json.loads(kept.raw)) == ("unknown", bad)
    assert heard.text == "hello"


def test_a_text_keeps_its_reply_token_for_a_minute() -> None:
    event = said("你好 👨‍👩‍👧\u2028]]>", quotedMessageId="460")
    assert (event.kind, event.text, event.reply_to) == ("text", "你好 👨‍👩‍👧\u2028]]>", "460")
    assert event.peer.id.startswith("U")
    assert len(event.context["reply_token"]) == 32
    assert float(event.context["reply_until"]) == event.at / 1000 + 60


def test_a_message_is_named_with_the_tokens_that_quote_it_and_mark_it_as_read() -> None:
    event = said("hello", quoteToken="q-1", markAsReadToken="r-1")
    assert ref_of(event.ref) == Ref(event.key, "q-1", "r-1")
    assert ref_of(said("", kind="location", markAsReadToken="r-2").ref).read == "r-2"
    assert ref_of("461") == Ref("461")
    assert ref_of("") == Ref("")


def test_a_redelivery_has_the_key_of_the_first() -> None:
    (push,) = LineSimulator().say("ann", "once")
    again = json.loads(push.request.body)
    again["events"][0]["deliveryContext"]["isRedelivery"] = True
    redelivered = LineSimulator().callback(json.dumps(again).encode())
    first, second = events_of([push, Push(request=redelivered)])
    assert (first.key, first.ref, first.text) == (second.key, second.ref, second.text)


def test_who_of_a_group_wrote_is_told_and_the_group_is_the_customer() -> None:
    simulator = LineSimulator()
    for kind, prefix in (("group", "C"), ("room", "R")):
        (event,) = events_of(simulator.says_in_group("Buyers", "Zhao", "I want it", kind))
        assert event.peer.id == simulator.group_of("Buyers", kind)
        assert event.peer.id.startswith(prefix)
        assert event.attributes == {"author_id": simulator.user_of("Zhao")}


def test_signs_and_names_within_a_text_are_cut_out_by_utf16() -> None:
    event = said(
        "👋 (love) @All",
        emojis=[{"index": 3, "length": 6, "productId": "5ac1", "emojiId": "001"}],
        mention={"mentionees": [{"index": 10, "length": 4, "type": "all"}]},
    )
    assert event.attributes == {
        "emojis": [{"text": "(love)", "product": "5ac1", "id": "001"}],
        "mentions": [{"text": "@All", "id": "all"}],
    }


@pytest.mark.parametrize(
    ("kind", "given", "more", "ours", "text"),
    [
        ("location", "Tea", {}, "location", "Tea\nNanjing Road\n31.25, 121.5"),
        ("sticker", "", {}, "text", "hi, wave"),
        ("sticker", "Thanks, Li!", {}, "text", "Thanks, Li!"),
        ("sticker", "", {"keywords": []}, "text", "A sticker"),
        ("unsupported", "", {}, "unsupported", "A message of an unknown kind"),
    ],
)
def test_what_is_no_plain_text_is_told_in_words(
    kind: str, given: str, more: dict[str, Any], ours: str, text: str
) -> None:
    event = said(given, kind=kind, **more)
    assert (event.kind, event.text) == (ours, text)
    assert (event.raw != b"") == (ours == "unsupported")


@pytest.mark.parametrize(("kind", "name"), [("image", ""), ("video", ""), ("audio", ""), ("file", "file.pdf")])
def test_a_file_is_told_by_its_kind(kind: str, name: str) -> None:
    event = said("", kind=kind, content=PNG)
    (media,) = event.media
    assert (event.kind, event.text, media.kind, media.name, media.ref) == (kind, "", kind, name, event.key)


def test_a_picture_of_an_album_and_one_of_an_apps_server() -> None:
    event = said("", kind="image", content=PNG, imageSet={"id": "E005", "index": 2, "total": 3})
    assert event.attributes == {"album": "E005", "album_place": "2/3"}
    elsewhere = {"type": "external", "originalContentUrl": "https://app.example/1.jpg", "previewImageUrl": "https://p"}
    (media,) = said("", kind="image", contentProvider=elsewhere).media
    assert media.ref == "https://app.example/1.jpg"


@pytest.mark.parametrize(
    ("kind", "more", "name", "data"),
    [
        ("follow", {"follow": {"isUnblocked": False}}, "enter", {"event": "follow"}),
        ("follow", {"follow": {"isUnblocked": True}}, "enter", {"event": "unblocked"}),
        ("join", {}, "enter", {"event": "join"}),
        ("unfollow", {}, "blocked", {"event": "unfollow"}),
        ("leave", {}, "blocked", {"event": "leave"}),
        ("unsend", {"unsend": {"messageId": "460"}}, "recall", {"ref": "460"}),
        (
            "beacon",
            {"beacon": {"hwid": "d41d", "type": "enter", "dm": "0a"}},
            "enter",
            {"event": "beacon", "scene": "d41d", "beacon": "enter", "device_message": "0a"},
        ),
        ("beacon", {"beacon": {"hwid": "d41d", "type": "stay"}}, "ignored", {}),
        (
            "accountLink",
            {"link": {"result": "ok", "nonce": "n-1"}},
            "menu",
            {"event": "accountLink", "choice_text": "accountLink ok", "link_nonce": "n-1"},
        ),
        (
            "membership",
            {"membership": {"type": "renewed", "membershipId": 3189}},
            "menu",
            {"event": "membership", "choice_text": "membership renewed", "membership": "3189"},
        ),
        ("memberJoined", {"joined": {"members": [{"type": "user", "userId": "U1"}]}}, "ignored", {}),
        ("memberLeft", {"left": {"members": [{"type": "user", "userId": "U1"}]}}, "ignored", {}),
        ("videoPlayComplete", {"videoPlayComplete": {"trackingId": "t"}}, "ignored", {}),
        ("things", {"things": {"deviceId": "t2c", "type": "link"}}, "ignored", {}),
        ("activated", {"chatControl": {"expireAt": 1}}, "ignored", {}),
        ("deactivated", {}, "ignored", {}),
        ("delivery", {"delivery": {"data": "15034"}}, "ignored", {}),
        ("message", {"mode": "standby"}, "ignored", {}),
    ],
)
def test_what_is_no_message_is_a_signal(kind: str, more: dict[str, Any], name: str, data: dict[str, str]) -> None:
    (event,) = events_of(LineSimulator().event("ann", kind, **more))
    assert (event.name, event.data, event.asks) == (name, data, False)


def test_a_tap_asks_for_somebody_and_says_what_was_picked() -> None:
    simulator = LineSimulator()
    (tapped,) = events_of(simulator.taps("ann", "book=7", datetime="2026-12-01T10:00"))
    assert (tapped.name, tapped.asks) == ("menu", True)
    assert tapped.data == {"event": "postback", "choice": "book=7", "picked_time": "2026-12-01T10:00"}
    (turned,) = events_of(simulator.taps("ann", "m2", newRichMenuAliasId="menu-b", status="SUCCESS"))
    assert (turned.name, turned.asks, turned.data["rich_menu"]) == ("menu", False, "menu-b SUCCESS")


def test_a_member_of_a_group_who_taps_is_named() -> None:
    simulator = LineSimulator()
    source = simulator.source_of("Zhao", "Buyers")
    (tapped,) = events_of(simulator.event("Buyers", "postback", source=source, postback={"data": "yes"}))
    assert (tapped.peer.id, tapped.data["author_id"]) == (source["groupId"], source["userId"])


def test_an_edited_message_of_a_group_is_an_edit_of_what_was_said() -> None:
    simulator = LineSimulator()
    (heard,) = events_of(simulator.says_in_group("Buyers", "Zhao", "tomorow"))
    (edited,) = events_of(simulator.edits_in_group("Buyers", "Zhao", "tomorrow"))
    assert (edited.name, edited.data) == ("edit", {"ref": heard.key, "text": "tomorrow"})
    assert edited.key != heard.key


@pytest.mark.parametrize(
    ("kind", "more", "name", "reason"),
    [
        ("botSuspended", {}, "unlinked", "LINE has suspended the account."),
        ("botResumed", {}, "linked", ""),
        ("module", {"module": {"type": "attached", "botId": "U1", "scopes": []}}, "linked", ""),
        (
            "module",
            {"module": {"type": "detached", "botId": "U1", "reason": "bot_deleted"}},
            "unlinked",
            "The account's owner ended it.",
        ),
    ],
)
def test_what_befalls_the_account_pauses_it_or_lets_it_go_on(
    kind: str, more: dict[str, Any], name: str, reason: str
) -> None:
    (event,) = events_of(LineSimulator().event("", kind, **more))
    assert (event.name, event.data.get("reason", ""), event.peer) == (name, reason, None)


def test_an_event_of_an_unknown_kind_is_kept_raw() -> None:
    (event,) = events_of(LineSimulator().unknown("ann"))
    assert (event.name, event.data) == ("unknown", {"event": "levitated"})
    assert json.loads(event.raw)["height"] == 3


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, b"", None),
        (202, b"", None),
        (401, b'{"message":"Authentication failed"}', TokenExpired()),
        (400, b'{"message":"Invalid reply token"}', faults.REPLY_OVER),
        (429, b'{"message":"You have reached your monthly limit."}', faults.QUOTA),
        (429, b'{"message":"The API rate limit has been exceeded. Try again later."}', Retry(account=True)),
        (409, b'{"message":"The retry key is already accepted","sentMessages":[{"id":"461"}]}', Duplicate("461")),
        (409, b"{}", Duplicate()),
        (400, b'{"error":"invalid_client","error_description":"invalid client_secret"}', faults.WRONG_SECRET),
        (500, b"<html>", faults.MaybeTaken()),
        (418, b"a teapot", Rejected("LINE (418): a teapot")),
        (
            400,
            b'{"message":"1 error(s)","details":[{"message":"bad","property":"messages[0].quoteToken"}]}',
            faults.QUOTE_WRONG,
        ),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, fault: Any) -> None:
    assert Line().classify(status, body, {}) == fault


@pytest.mark.parametrize("status", [403, 404, 410, 413, 415])
def test_each_refusal_has_a_reason_in_words(status: int) -> None:
    fault = faults.classify(status, b'{"message":"no"}', {})
    assert isinstance(fault, Pause if status == 403 else Rejected)
    assert f"({status})" in fault.reason


def test_what_is_wrong_with_a_message_is_said_with_the_field() -> None:
    body = b'{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"to"}]}'
    assert faults.classify(400, body, {}) == Rejected(
        "LINE (400): The request body has 1 error(s); to: May not be empty"
    )


@drawn(st.binary(), st.integers(100, 599))
def test_no_bytes_raise_anything_else(body: bytes, status: int) -> None:
    with contextlib.suppress(MalformedError):
        protocol.parse(Request(method="POST", body=body), ACCOUNT)
    faults.classify(status, body, {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(
    ["type", "source", "message", "timestamp", "replyToken", "unsend", "postback", "mode", "beacon", "link", "follow"]
)
parts = st.sampled_from(["id", "text", "mention", "emojis", "contentProvider", "imageSet", "duration", "fileSize"])


@drawn(st.dictionaries(fields, json_values, max_size=6), st.dictionaries(parts, json_values), st.integers(-9, 9))
def test_no_event_of_any_types_raises_anything_else(
    event: dict[str, Any], message: dict[str, Any], offset: int
) -> None:
    mentioned = {"mentionees": [{"type": "all", "index": offset, "length": -offset}]}
    said = {"id": "1", "type": "text", "text": "👋 hi", "mention": mentioned, **message}
    whole = {"webhookEventId": "1", "type": "message", "source": {"userId": "U"}, "message": said, **event}
    body = json.dumps({"events": [whole]}).encode()
    (one,) = protocol.parse(Request(method="POST", body=body), ACCOUNT)
    msgspec.convert(msgspec.to_builtins(one), type(one))
