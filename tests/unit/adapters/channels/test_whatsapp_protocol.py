"""WhatsApp: what callbacks and answers mean."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.whatsapp import WhatsApp, faults, protocol
from adapters.channels.whatsapp.settings import Account
from backbone.channel import (
    BadSignatureError,
    Fault,
    MalformedError,
    Media,
    MediaGone,
    Message,
    Pause,
    Peer,
    Receipt,
    Rejected,
    Reply,
    Request,
    Retry,
    TokenExpired,
    WindowClosed,
)
from tests.simulators.base import Accepted, Push
from tests.simulators.whatsapp import WhatsAppSimulator
from tests.unit.adapters.channels.kit_telegram import lower

JSON = {"content-type": "application/json; charset=UTF-8"}
ACCOUNT = msgspec.convert({**WhatsAppSimulator().account(), "api": "https://graph.facebook.com"}, Account)


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
    (event,) = events_of(WhatsAppSimulator().say("8613800000000", text, **more))
    return event


def test_the_check_of_the_address_is_answered_with_its_challenge() -> None:
    (request, status, body), *wrong = WhatsAppSimulator().handshakes()
    assert protocol.verify(request, ACCOUNT) == Reply(status=status, body=body)
    assert len(wrong) == 2
    for each, refused, _ in wrong:
        assert refused == 401
        with pytest.raises(BadSignatureError):
            protocol.verify(each, ACCOUNT)


def test_the_signature_is_over_the_raw_bytes_with_their_escapes() -> None:
    body = rb'{"entry":[],"text":"\u4f60\u597d \/"}'
    signature = hmac.new(ACCOUNT.app_secret.encode(), body, hashlib.sha256).hexdigest()
    signed = {"x-hub-signature-256": f"sha256={signature}"}
    assert protocol.verify(Request(method="POST", headers=signed, body=body), ACCOUNT) is None
    encoded_anew = json.dumps(json.loads(body)).encode()
    with pytest.raises(BadSignatureError):
        protocol.verify(Request(method="POST", headers=signed, body=encoded_anew), ACCOUNT)


@pytest.mark.parametrize("number", range(4))
def test_a_forged_callback_is_refused(number: int) -> None:
    simulator = WhatsAppSimulator()
    forged = simulator.forged(simulator.say("8613800000000", "hello")[0])
    with pytest.raises(BadSignatureError):
        protocol.verify(as_node(forged[number]), ACCOUNT)


@pytest.mark.parametrize("number", range(7))
def test_what_cannot_be_understood_is_malformed(number: int) -> None:
    request = as_node(WhatsAppSimulator().malformed()[number])
    assert protocol.verify(request, ACCOUNT) is None
    with pytest.raises(MalformedError):
        protocol.parse(request, ACCOUNT)


def test_a_field_or_a_message_of_another_form_is_kept_raw() -> None:
    first, second = events_of(WhatsAppSimulator().unknown("8613800000000"))
    assert (first.name, second.name) == ("unknown", "unknown")
    assert json.loads(first.raw)["x"] == "8613800000000"
    assert json.loads(second.raw)["id"] == 7


def test_one_message_that_cannot_be_understood_stops_none_of_the_others() -> None:
    simulator = WhatsAppSimulator()
    good = {"from": "1", "id": "wamid.B", "type": "text", "timestamp": "1700000000", "text": {"body": "hi"}}
    events = events_of([simulator.push({"messages": [{"id": 7}, good]}, "x")])
    assert [type(e).__name__ for e in events] == ["Signal", "Message"]
    assert events[1].text == "hi"


def test_a_text_has_the_number_that_whatsapp_vouches_for() -> None:
    event = said("你好 👨‍👩‍👧\u2028]]>")
    assert isinstance(event, Message)
    assert event.text == "你好 👨‍👩‍👧\u2028]]>"
    phone = {"phone": "+8613800000000"}
    assert event.peer == Peer("8613800000000", "8613800000000", phone, ("phone",), also=("CN.0000000083168",))
    assert event.key.startswith("wamid.")
    assert event.at > 1_700_000_000_000


@pytest.mark.parametrize(
    ("kind", "ours", "mime", "name"),
    [
        ("image", "image", "image/jpeg", ""),
        ("sticker", "image", "image/webp", ""),
        ("video", "video", "video/mp4", ""),
        ("audio", "audio", "audio/ogg", ""),
        ("file", "file", "application/pdf", "file.pdf"),
    ],
)
def test_a_file_is_told_by_its_kind(kind: str, ours: str, mime: str, name: str) -> None:
    event = said("look", kind=kind, content=b"x")
    assert (event.kind, event.text) == (ours, "look")
    (media,) = event.media
    assert media == Media(ours, media.ref, mime, name, fingerprint=media.fingerprint)
    assert media.ref.isdigit()


@pytest.mark.parametrize(
    ("kind", "ours", "text", "attributes"),
    [
        ("location", "location", "Tea\n31.25, 121.5", {"latitude": 31.25, "longitude": 121.5, "place": "Tea"}),
        ("button", "text", "Tea", {"choice": "p-1"}),
        ("choice", "text", "Tea", {"choice": "b-1"}),
        ("row", "text", "Tea", {"choice": "r-1", "choice_text": "one"}),
        ("form", "card", "Tea\nsize: M", {"form_name": "flow", "form": {"size": "M"}}),
        ("reaction", "text", "Tea", {"reaction": True}),
    ],
)
def test_what_is_no_plain_text_is_told_in_words(kind: str, ours: str, text: str, attributes: dict[str, str]) -> None:
    event = said("Tea", kind=kind)
    assert (event.kind, event.text, event.attributes) == (ours, text, attributes)


def test_a_reaction_answers_its_message_and_one_withdrawn_is_nothing() -> None:
    assert said("👍", kind="reaction").reply_to == "wamid.X"
    assert said("", kind="reaction").name == "ignored"


def test_what_cannot_be_shown_is_unsupported_and_kept() -> None:
    event = said("x", kind="unsupported")
    assert (event.kind, event.text) == ("unsupported", "A message that WhatsApp doesn't hand on")
    assert json.loads(event.raw)["type"] == "unsupported"


def test_a_kind_without_its_content_is_unsupported() -> None:
    assert said("x", type="image").kind == "unsupported"
    assert said("x", type="hologram").text == "A message of an unknown kind"


def test_an_answer_names_its_message_and_an_advertisement_its_address() -> None:
    event = said(
        "yes",
        context={"id": "wamid.OURS", "from": "1", "forwarded": True},
        referral={"source_url": "https://fb.me/1", "headline": "Tea", "ctwa_clid": "c1"},
    )
    assert event.reply_to == "wamid.OURS"
    assert event.attributes == {"forwarded": True, "ad": "https://fb.me/1", "ad_title": "Tea", "ctwa_clid": "c1"}


def test_a_customer_who_changes_their_number_says_nothing() -> None:
    assert said("", type="system", system={"body": "changed", "type": "user_changed_number"}).name == "ignored"


def test_a_customer_who_opens_the_chat_has_entered() -> None:
    assert said("", type="request_welcome").name == "enter"


def test_what_another_number_of_the_app_was_sent_is_passed_over() -> None:
    simulator = WhatsAppSimulator()
    message = {"from": "1", "id": "wamid.B", "type": "text", "timestamp": "1", "text": {"body": "hi"}}
    (event,) = events_of([simulator.push({"messages": [message]}, "x", number="99")])
    assert event.name == "ignored"


def test_what_is_no_customers_is_ignored() -> None:
    (event,) = events_of([WhatsAppSimulator().push({"event": "APPROVED"}, "x", field="message_template_status_update")])
    assert event.name == "ignored"


def test_what_the_company_writes_on_its_phone_is_an_echo() -> None:
    (event,) = events_of(WhatsAppSimulator().echo("8613800000000", "from the shop"))
    assert (event.echo, event.peer.id, event.text) == (True, "8613800000000", "from the shop")


OURS = Accepted(id="wamid.A", peer="8613800000000", kind="text", key="k" * 32)


def test_statuses_come_in_any_order_each_with_a_key_of_its_own() -> None:
    receipts = events_of(WhatsAppSimulator().statuses(OURS, "read", "sent", "delivered", "read"))
    assert [(r.key, r.status) for r in receipts] == [
        ("wamid.A:read", "read"),
        ("wamid.A:sent", "sent"),
        ("wamid.A:delivered", "delivered"),
        ("wamid.A:read", "read"),
    ]


def test_a_status_names_the_message_by_its_id_and_by_our_key() -> None:
    (receipt,) = events_of(WhatsAppSimulator().statuses(OURS, "delivered"))
    assert receipt == Receipt(
        key="wamid.A:delivered", ref="wamid.A", sent_as="k" * 32, status="delivered", peer=Peer("8613800000000")
    )


def test_a_status_of_a_message_without_our_key_is_one_receipt() -> None:
    (receipt,) = events_of(WhatsAppSimulator().statuses(Accepted(id="wamid.A", peer="1", kind="text"), "sent"))
    assert receipt.ref == "wamid.A"


def test_a_failure_tells_its_code_and_reason() -> None:
    (receipt,) = events_of(WhatsAppSimulator().statuses(OURS, "failed", code=131026))
    assert (receipt.status, receipt.code, receipt.reason) == ("failed", "131026", "Message undeliverable (details)")


@pytest.mark.parametrize(("name", "signal"), [("deleted", "ignored"), ("levitated", "unknown")])
def test_a_status_that_is_no_receipt_is_a_signal(name: str, signal: str) -> None:
    (event,) = events_of(WhatsAppSimulator().statuses(OURS, name))
    assert event.name == signal


def answer(code: int, details: str = "") -> bytes:
    error = {"message": f"(#{code}) words", "type": "OAuthException", "code": code}
    return json.dumps({"error": {**error, "error_data": {"details": details}}}).encode()


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ((0, 190), TokenExpired),
        ((3, 10, 200, 230, 299, 131031, 368), Pause),
        ((1, 2, 4, 80007, 130429, 131000, 131016, 131056), Retry),
        ((131047,), WindowClosed),
        ((131026, 131048, 131049, 131051, 131053, 100, 132000, 132001, 132015, 132069, 199, 300), Rejected),
    ],
)
def test_each_code_of_the_table_is_its_fault(codes: tuple[int, ...], fault: type[Fault]) -> None:
    for code in codes:
        assert isinstance(faults.classify(400, answer(code), JSON), fault), code


@pytest.mark.parametrize(
    ("status", "body", "headers", "fault"),
    [
        (200, b'{"messages": [{"id": "wamid.A"}]}', JSON, None),
        (200, b"\xff\xd8", {"content-type": "image/jpeg"}, None),
        (200, b"", JSON, Retry()),
        (200, b"<html></html>", {"content-type": "application/json"}, Retry()),
        (502, b"<html></html>", {"content-type": "text/html"}, Retry()),
        (500, b'{"error": "internal"}', JSON, Retry()),
        (500, answer(9_999_999), JSON, Retry()),
        (503, b"{}", {**JSON, "retry-after": "7"}, Retry(after_s=7)),
        (429, answer(130429), {**JSON, "retry-after": "7"}, Retry(after_s=7, account=True)),
        (429, answer(9_999_999), JSON, Retry(account=True)),
        (401, answer(9_999_999), JSON, TokenExpired()),
        (400, answer(131056), JSON, Retry(after_s=6)),
        (200, answer(131047), JSON, WindowClosed("time")),
        (400, answer(100, "Media id is not found or expired"), JSON, MediaGone()),
        (400, answer(131009, "Invalid media id"), JSON, MediaGone()),
        (400, answer(100, "text.body is too long"), JSON, Rejected("WhatsApp (100): text.body is too long")),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, headers: dict[str, str], fault: Fault | None) -> None:
    assert WhatsApp().classify(status, body, headers) == fault


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with contextlib.suppress(BadSignatureError):
        protocol.verify(Request(method="POST", headers={"x-hub-signature-256": "sha256=é"}, body=body), ACCOUNT)
    with contextlib.suppress(MalformedError):
        protocol.parse(Request(method="POST", body=body), ACCOUNT)
    for status in (200, 400, 500):
        faults.classify(status, body, JSON)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(
    ["id", "from", "type", "timestamp", "text", "image", "context", "status", "errors", "contacts"]
)


@given(st.lists(st.dictionaries(fields, json_values, max_size=6), max_size=3))
def test_no_message_or_status_of_any_types_raises_anything(items: list[dict[str, Any]]) -> None:
    simulator = WhatsAppSimulator()
    whole = [{**item, "id": "wamid.A"} for item in items]
    events = events_of([simulator.push({"messages": items + whole, "statuses": whole}, "x")])
    assert len(events) >= len(items)
