"""The API channel: signatures, and what posts and answers mean."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.api import Api, protocol
from adapters.channels.api.settings import Account
from backbone.channel import (
    BadSignatureError,
    Fault,
    MalformedError,
    Media,
    Message,
    Out,
    OutMedia,
    Pause,
    Peer,
    Receipt,
    Rejected,
    Request,
    Retry,
    Signal,
    Stored,
)
from backbone.outside import signing
from tests.simulators.api import ApiSimulator, secret_of
from tests.simulators.base import Accepted, Push
from tests.unit.adapters.channels.kit_telegram import lower

NOW = 1_731_705_121
ACCOUNT = Account(secret=secret_of("this system"), url="https://example.com/trunkline")


def as_node(request: Request) -> Request:
    """As a node hands it on."""
    return msgspec.structs.replace(request, headers=lower(request.headers))


def event_of(pushes: list[Push], acc: Account = ACCOUNT) -> Any:
    """What a verified callback of the simulator means."""
    request = as_node(pushes[0].request)
    assert Api().verify(request, acc) is None
    (event,) = protocol.parse(request, acc)
    return event


def posted(body: Any, acc: Account = ACCOUNT) -> Any:
    (event,) = protocol.parse(
        Request(method="POST", headers={"webhook-id": "msg_1"}, body=json.dumps(body).encode()), acc
    )
    return event


def test_vector_of_standard_webhooks() -> None:
    secret = "whsec_plJ3nmyCDGBKInavdOK15jsl"
    body = b'{"event_type":"ping","data":{"success":true}}'
    wanted = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
    assert signing.sign([secret], "msg_loFOjxBNrRLzqYUf", NOW, body) == wanted
    headers = {"webhook-id": "msg_loFOjxBNrRLzqYUf", "webhook-timestamp": str(NOW), "webhook-signature": wanted}
    assert signing.is_signed([secret], headers, body, NOW)
    assert not signing.is_signed([secret], headers, body + b" ", NOW)
    assert not signing.is_signed([secret_of("another")], headers, body, NOW)


@pytest.mark.parametrize(("off_s", "is_fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes_either_way(off_s: int, is_fresh: bool) -> None:  # noqa: FBT001
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(NOW),
        "webhook-signature": signing.sign([ACCOUNT.secret], "m", NOW, b"{}"),
    }
    assert signing.is_signed([ACCOUNT.secret], headers, b"{}", NOW + off_s) is is_fresh


def test_while_the_secret_changes_either_is_taken_and_both_sign() -> None:
    old, new = secret_of("old"), secret_of("new")
    by_both = signing.sign([new, old], "m", NOW, b"{}")
    assert by_both == f"{signing.sign([new], 'm', NOW, b'{}')} {signing.sign([old], 'm', NOW, b'{}')}"
    headers = {"webhook-id": "m", "webhook-timestamp": str(NOW)}
    for one in (old, new):
        assert signing.is_signed([one], {**headers, "webhook-signature": by_both}, b"{}", NOW)
        signed = {**headers, "webhook-signature": signing.sign([one], "m", NOW, b"{}")}
        assert signing.is_signed([new, old], signed, b"{}", NOW)


def test_versions_of_others_are_passed_over() -> None:
    right = signing.sign([ACCOUNT.secret], "m", NOW, b"{}")
    headers = {"webhook-id": "m", "webhook-timestamp": str(NOW)}
    assert signing.is_signed([ACCOUNT.secret], {**headers, "webhook-signature": f"v1a,AAAA v2,x {right}"}, b"{}", NOW)
    for wrong in (right.replace("v1,", "v1a,"), right.removeprefix("v1,"), "", " ", "v1,"):
        assert not signing.is_signed([ACCOUNT.secret], {**headers, "webhook-signature": wrong}, b"{}", NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "whsec_" + "A" * 100])
def test_a_secret_that_is_none_signs_nothing(secret: str) -> None:
    assert signing.sign([secret], "m", NOW, b"{}") == ""
    headers = {"webhook-id": "m", "webhook-timestamp": str(NOW), "webhook-signature": ""}
    assert not signing.is_signed([secret], headers, b"{}", NOW)


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1e9", "١٧", "9" * 40])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    headers = {"webhook-id": "m", "webhook-timestamp": timestamp, "webhook-signature": "v1,x"}
    assert not signing.is_signed([ACCOUNT.secret], headers, b"{}", NOW)


@pytest.mark.parametrize("number", range(6))
def test_a_forged_callback_is_refused(number: int) -> None:
    simulator = ApiSimulator()
    forged = simulator.forged(simulator.say("u-42", "hello")[0])
    with pytest.raises(BadSignatureError):
        Api().verify(as_node(forged[number]), ACCOUNT)


@pytest.mark.parametrize("number", range(10))
def test_what_cannot_be_understood_is_malformed(number: int) -> None:
    request = as_node(ApiSimulator().malformed()[number])
    assert Api().verify(request, ACCOUNT) is None
    with pytest.raises(MalformedError):
        protocol.parse(request, ACCOUNT)


def test_a_message_is_the_struct_of_the_contract() -> None:
    peer = {"id": "u-42", "name": "Li", "alias": {"email": "li@example.com"}, "verified": ["email"]}
    media = [{"kind": "image", "ref": "https://example.com/a.png", "mime": "image/png"}]
    body = {"t": "message", "key": "m-1", "peer": peer, "text": "你好", "thread": "t", "media": media, "at": 5}
    assert posted(body) == Message(
        key="m-1",
        peer=Peer("u-42", "Li", {"email": "li@example.com"}, ("email",)),
        text="你好",
        thread="t",
        at=5,
        media=[Media("image", "https://example.com/a.png", "image/png")],
    )


def test_without_a_key_the_requests_id_is_the_key() -> None:
    assert posted({"t": "message", "peer": {"id": "u"}}).key == "msg_1"
    assert posted({"t": "receipt", "ref": "x", "status": "read"}) == Receipt(key="msg_1", ref="x", status="read")


def test_what_would_be_trusted_cannot_be_set() -> None:
    event = posted({"t": "message", "peer": {"id": "u"}, "html": "<script>", "raw": "AAAA"})
    assert (event.html, event.raw) == ("", b"")


@pytest.mark.parametrize("kind", ["hologram", "unsupported", "email", "event"])
def test_a_kind_that_is_unknown_is_unsupported_and_kept(kind: str) -> None:
    event = posted({"t": "message", "peer": {"id": "u"}, "kind": kind, "text": "so it said"})
    assert (event.kind, event.text) == ("unsupported", "so it said")
    assert json.loads(event.raw)["kind"] == kind


def test_an_event_of_an_unknown_kind_is_kept_raw() -> None:
    (push,) = ApiSimulator().unknown("u-42")
    assert event_of([push]) == Signal(key=push.id, name="unknown", raw=push.request.body)


def test_receipts_and_signals_are_understood() -> None:
    simulator = ApiSimulator()
    receipt = event_of(simulator.receipt(Accepted(id="theirs-1", peer="u", kind="text"), "failed", "no such user"))
    assert (receipt.ref, receipt.status, receipt.reason) == ("theirs-1", "failed", "no such user")
    edited = event_of(simulator.signal("u-42", "edit", ref="m-1", text="hello"))
    assert (edited.name, edited.peer.id, edited.data) == ("edit", "u-42", {"ref": "m-1", "text": "hello"})


@pytest.mark.parametrize(
    "body",
    [
        {"t": "message", "peer": {"id": ""}},
        {"t": "message", "peer": {"id": "u" * 257}},
        {"t": "message", "peer": {"id": "u"}, "key": ""},
        {"t": "message", "peer": {"id": "u"}, "key": 7},
        {"t": "message", "peer": {"id": "u"}, "at": -1},
        {"t": "message", "peer": {"id": "u"}, "at": 10**400},
        {"t": "message", "peer": {"id": "u"}, "media": [{"kind": "image", "content": "AAAA"}]},
        {"t": "message", "peer": {"id": "u"}, "media": [{"kind": "image", "ref": "http://example.com/"}]},
        {"t": "message", "peer": {"id": "u"}, "media": [{"kind": "image", "ref": "https://a.b/", "size": -1}]},
        {"t": "message", "peer": {"id": "u"}, "media": [{"kind": "image", "ref": "https://a.b/"}] * 21},
        {"t": "receipt", "ref": "x", "status": "lost"},
        {"t": "signal", "name": "linked"},
        {"t": 7},
        {},
    ],
)
def test_a_wrong_field_is_malformed(body: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        posted(body)


@pytest.mark.parametrize(
    ("stored", "status", "body"),
    [
        ([Stored(41, duplicate=False)], 202, {"seq": 41}),
        ([Stored(41, duplicate=True)], 200, {"seq": 41}),
        ([], 202, {}),
    ],
)
def test_a_post_is_answered_with_its_place(stored: list[Stored], status: int, body: dict[str, int]) -> None:
    reply = protocol.reply([], ACCOUNT, stored)
    assert (reply.status, json.loads(reply.body), reply.content_type) == (status, body, "application/json")


@pytest.mark.parametrize(
    ("status", "headers", "fault"),
    [
        (200, {}, None),
        (204, {}, None),
        (429, {"retry-after": "7"}, Retry(after_s=7)),
        (503, {"retry-after": "7"}, Retry(after_s=7)),
        (503, {"retry-after": "Fri, 15 Nov 2024 21:13:01 GMT"}, Retry(after_s=NOW % 1 + 60)),
        (503, {"retry-after": "Fri, 15 Nov 2024 21:11:01 GMT"}, Retry()),
        (503, {"retry-after": "soon"}, Retry()),
        (503, {"retry-after": "9" * 400}, Retry(after_s=86_400)),
        (500, {}, Retry()),
        (408, {}, Retry()),
        (400, {}, Rejected("The system refused it (400): no")),
        (404, {}, Retry()),
        (401, {}, Retry()),
        (403, {}, Retry()),
    ],
)
def test_what_an_answer_means(status: int, headers: dict[str, str], fault: Fault | None) -> None:
    assert protocol.outcome(status, b"no", headers, NOW) == fault


@pytest.mark.parametrize("status", [410, 301, 307])
def test_an_address_that_must_be_changed_pauses(status: int) -> None:
    assert isinstance(Api().classify(status, b"", {}), Pause)


def test_our_message_is_told_with_all_that_the_other_side_needs() -> None:
    media = OutMedia(file="f", name="a.png", mime="image/png", size=3, content=b"abc")
    out = Out(event="e", key="k", conv="c", peer=Peer("u", "Li"), kind="image", text="look", media=media, author="Wang")
    assert protocol.message(out) == {
        "type": "message",
        "key": "k",
        "conversation": "c",
        "peer": {"id": "u", "name": "Li"},
        "kind": "image",
        "text": "look",
        "author": "Wang",
        "part": 0,
        "parts": 1,
        "file": {"name": "a.png", "mime": "image/png", "size": 3, "content": "YWJj"},
    }
    linked = msgspec.structs.replace(media, link="https://desk.example.com/f/1")
    assert protocol.file(linked)["url"] == "https://desk.example.com/f/1"


@pytest.mark.parametrize(
    ("body", "given"),
    [(b'{"id": "x"}', "x"), (b'{"id": 7}', ""), (b"[1]", ""), (b"", ""), (b"ok", ""), (b"[" * 100_000, "")],
)
def test_an_id_of_the_other_side_is_taken_if_it_is_one(body: bytes, given: str) -> None:
    assert protocol.id_in(body) == given


@pytest.mark.parametrize("secret", ["x", "whsec_short", "whsec_" + "!" * 32])
def test_a_secret_of_another_form_is_no_setting(secret: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"secret": secret, "url": "https://example.com"}, Account)


@given(st.binary(), st.text(), st.text())
def test_no_bytes_raise_anything_else(body: bytes, message_id: str, signature: str) -> None:
    headers = {"webhook-id": message_id, "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert not signing.is_signed([ACCOUNT.secret], headers, body, NOW)
    with contextlib.suppress(MalformedError):
        protocol.parse(Request(method="POST", headers=headers, body=body), ACCOUNT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
names = st.sampled_from(["t", "key", "peer", "kind", "text", "media", "at", "name", "ref", "status", "data", "context"])


@given(st.sampled_from(["message", "receipt", "signal"]), st.dictionaries(names, json_values, max_size=6))
def test_no_fields_of_any_types_raise_anything_else(kind: str, fields: dict[str, Any]) -> None:
    with contextlib.suppress(MalformedError):
        posted({"peer": {"id": "u"}, "t": kind, **fields})
