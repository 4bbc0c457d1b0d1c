"""Pushes of the app: what goes to Apple and Google and what they answer."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.app import App, apns, devices, fcm
from adapters.channels.app.settings import Account
from adapters.channels.app.verdicts import Gone
from backbone.channel import (
    BadSignatureError,
    Device,
    Fault,
    FaultError,
    MalformedError,
    Out,
    Pause,
    Peer,
    Rejected,
    Request,
    Retry,
    TokenExpired,
)
from tests.simulators.app import AppSimulator, tokens

ACCOUNT = Account(tenant="tea", apns_topic="com.example.tea", shows_text=True, title="Tea")
QUIET = msgspec.structs.replace(ACCOUNT, shows_text=False)


def out(text: str = "hello") -> Out:
    return Out(event="e", key="0123456789abcdef0123456789abcdef", conv="03k7abc", peer=Peer("user-42"), text=text)


def reason(word: str, **more: Any) -> bytes:
    return json.dumps({"reason": word, **more}).encode()


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, b"", None),
        (410, reason("Unregistered", timestamp=1_700_000_000_000), Gone("Apple: Unregistered", 1_700_000_000_000)),
        (410, b"", Gone("Apple: 410")),
        (400, reason("BadDeviceToken"), Gone("Apple: BadDeviceToken")),
        (400, reason("DeviceTokenNotForTopic"), Gone("Apple: DeviceTokenNotForTopic")),
        (403, reason("ExpiredProviderToken"), TokenExpired()),
        (403, reason("InvalidProviderToken"), Pause(apns.PAUSED["InvalidProviderToken"])),
        (403, reason("Other"), Pause("Apple: Other")),
        (400, reason("TopicDisallowed"), Pause(apns.PAUSED["TopicDisallowed"])),
        (429, reason("TooManyRequests"), Retry(after_s=60)),
        (429, reason("TooManyProviderTokenUpdates"), Retry(account=True)),
        (500, reason("InternalServerError"), Retry()),
        (503, reason("Shutdown"), Retry()),
        (502, b"<html></html>", Retry()),
        (400, b"<html></html>", Retry()),
        (413, reason("PayloadTooLarge"), Rejected("Apple: PayloadTooLarge")),
        (400, reason("BadCollapseId"), Rejected("Apple: BadCollapseId")),
    ],
)
def test_what_apple_answers(status: int, body: bytes, fault: Fault | None) -> None:
    assert apns.verdict(status, body) == fault


def error(status: int, name: str, code: str = "", blamed: str = "") -> bytes:
    details: list[dict[str, Any]] = [{"@type": "FcmError", "errorCode": code}] if code else []
    if blamed:
        details.append({"@type": "BadRequest", "fieldViolations": [{"field": blamed, "description": "x"}]})
    return json.dumps({"error": {"code": status, "message": "words", "status": name, "details": details}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "fault"),
    [
        (200, b'{"name": "projects/p/messages/1"}', "", None),
        (404, error(404, "NOT_FOUND", "UNREGISTERED"), "", Gone("Google: UNREGISTERED")),
        (403, error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "", Gone("Google: SENDER_ID_MISMATCH")),
        (
            400,
            error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.token"),
            "",
            Gone("Google: INVALID_ARGUMENT"),
        ),
        (
            400,
            error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.data"),
            "",
            Rejected("Google: INVALID_ARGUMENT words"),
        ),
        (400, error(400, "INVALID_ARGUMENT"), "", Rejected("Google: INVALID_ARGUMENT words")),
        (429, error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "", Retry(after_s=60, account=True)),
        (429, error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "90", Retry(after_s=90, account=True)),
        (429, error(429, "RESOURCE_EXHAUSTED"), "7", Retry(after_s=60)),
        (503, error(503, "UNAVAILABLE", "UNAVAILABLE"), "", Retry(after_s=10)),
        (503, error(503, "UNAVAILABLE"), "30", Retry(after_s=30)),
        (500, error(500, "INTERNAL", "INTERNAL"), "", Retry()),
        (502, b"<html></html>", "", Retry()),
        (200, b"", "", Retry()),
        (401, error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), "",
         Pause("Firebase can't reach Apple: its APNs key is missing or wrong.")),
        (401, error(401, "UNAUTHENTICATED"), "", TokenExpired()),
        (403, error(403, "PERMISSION_DENIED"), "", Pause("Google refuses the service account: words")),
        (404, error(404, "NOT_FOUND"), "", Pause("Google refuses the service account: words")),
        (400, b'{"error": "invalid_grant"}', "", Pause("Google refuses the service account's key (invalid_grant).")),
        (500, b'{"error": "internal"}', "", Retry()),
        (503, b'{"error": "whatever"}', "", Retry()),
    ],
)  # fmt: skip
def test_what_google_answers(status: int, body: bytes, retry_after: str, fault: Fault | None) -> None:
    headers = {"retry-after": retry_after} if retry_after else {}
    assert App().classify(status, body, headers) == fault


@given(st.binary())
def test_no_answer_raises_anything(body: bytes) -> None:
    for status in (200, 400, 403, 410, 429, 500):
        apns.verdict(status, body)
        fcm.verdict(status, body, {"retry-after": "x"})


def test_without_leave_a_push_says_only_that_there_is_something() -> None:
    assert b"hello" not in apns.payload(out(), QUIET)
    assert QUIET.notice.encode() in apns.payload(out(), QUIET)
    assert fcm.message(out(), QUIET, "t")["message"]["notification"] == {"title": "Tea", "body": QUIET.notice}
    assert json.loads(apns.payload(out(), ACCOUNT))["aps"]["alert"] == {"title": "Tea", "body": "hello"}
    assert fcm.message(out(), ACCOUNT, "t")["message"]["notification"]["body"] == "hello"


def test_a_file_without_words_is_announced_by_the_notice() -> None:
    assert json.loads(apns.payload(out("  "), ACCOUNT))["aps"]["alert"]["body"] == ACCOUNT.notice


def test_pushes_of_one_conversation_replace_each_other() -> None:
    assert apns.headers(out(), ACCOUNT, 100.7) == {
        "apns-id": "01234567-89ab-cdef-0123-456789abcdef",
        "apns-topic": "com.example.tea",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": "86500",
        "apns-collapse-id": "03k7abc",
        "content-type": "application/json",
    }
    android = fcm.message(out(), ACCOUNT, "t")["message"]["android"]
    assert (android["collapse_key"], android["notification"]["tag"]) == ("03k7abc", "03k7abc")


@given(st.text(min_size=0, max_size=40), st.integers(1, 400))
def test_no_text_makes_a_push_too_large(piece: str, times: int) -> None:
    text = piece * times
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        assert len(apns.payload(out(text), ACCOUNT)) <= 4096
        assert len(msgspec.json.encode(fcm.message(out(text), ACCOUNT, "t" * 200)["message"])) <= 4096


def test_a_text_that_fits_is_not_cut() -> None:
    text = "字" * 1000
    assert json.loads(apns.payload(out(text), ACCOUNT))["aps"]["alert"]["body"] == text
    assert json.loads(apns.payload(out(text * 2), ACCOUNT))["aps"]["alert"]["body"].endswith("…")


def test_a_provider_token_is_signed_by_the_key_and_lives_fifty_minutes() -> None:
    simulator = AppSimulator()
    acc = msgspec.convert({**simulator.account(), "apns_api": "https://a", "apns_sandbox_api": "https://a",
                           "fcm_api": "https://a"}, Account)  # fmt: skip
    made = apns.token(acc, 1_790_000_000.9)
    header, claims = tokens.opened(made.value, simulator._apns_key.public_key())
    assert (header["alg"], header["kid"], claims) == (
        "ES256",
        "ABC123DEFG",
        {"iss": "DEF123GHIJ", "iat": 1_790_000_000},
    )
    # The kit renews at 80 % of it.
    assert made.life_s * 0.8 == 40 * 60


@pytest.mark.parametrize("key", ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_none_pauses(key: str) -> None:
    with pytest.raises(FaultError) as caught:
        apns.token(msgspec.structs.replace(ACCOUNT, apns_key=key), 1.0)
    assert isinstance(caught.value.fault, Pause)
    account = fcm.ServiceAccount(project_id="p", client_email="e", private_key=key)
    with pytest.raises(FaultError) as caught:
        fcm.assertion(account, 1.0)
    assert isinstance(caught.value.fault, Pause)


@pytest.mark.parametrize("file", ["", "x", "[]", '{"project_id": 7}', "[" * 100_000])
def test_a_service_account_that_is_none_pauses(file: str) -> None:
    with pytest.raises(FaultError) as caught:
        fcm.service_account(msgspec.structs.replace(ACCOUNT, fcm_service_account=file))
    assert isinstance(caught.value.fault, Pause)


def test_a_device_is_one_place_and_the_oldest_of_too_many_goes() -> None:
    known: list[Device] = []
    for number in range(25):
        known = devices.with_one(known, Device(token=f"{number:064x}", service="apns", at=number))
    again = devices.with_one(known, Device(token=f"{7:064x}", service="apns", at=99))
    assert [d.at for d in known] == list(range(5, 25))
    assert [d.at for d in again] == [5, 6, *range(8, 25), 99]


@pytest.mark.parametrize(
    ("service", "token", "is_one"),
    [
        ("apns", "a1" * 32, True),
        ("apns", "a1" * 31 + "/x", False),
        ("apns", "", False),
        ("fcm", "c-1:APA91b_" + "x" * 20, True),
        ("fcm", "c-1:APA91b_" + "x" * 20 + "\n", False),
        ("fcm", "short", False),
    ],
)
def test_a_token_is_of_its_services_form(service: Any, token: str, is_one: bool) -> None:  # noqa: FBT001
    assert devices.is_one(Device(token=token, service=service)) is is_one


def test_an_app_has_no_callbacks() -> None:
    with pytest.raises(BadSignatureError):
        App().verify(Request(method="POST"), ACCOUNT)
    with pytest.raises(MalformedError):
        App().parse(Request(method="POST"), ACCOUNT)
