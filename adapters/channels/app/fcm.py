"""Google's push service, HTTP v1: the requests and what its answers mean; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct, field

from adapters.channels.app.settings import Account
from adapters.channels.app.verdicts import Gone
from backbone.channel import Fault, FaultError, Out, Pause, Rejected, Retry, TokenExpired

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_S: Final = 3600
MESSAGE_BYTES: Final = 4096
KEPT: Final = "86400s"
LEAST_S: Final = {"QUOTA_EXCEEDED": 60.0, "UNAVAILABLE": 10.0}
"""Google wants no other try sooner, whatever else it says."""


class ServiceAccount(Struct, frozen=True):
    """The part of Firebase's file that is needed."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class _Violation(Struct):
    field: str = ""


class _Detail(Struct):
    kind: str = field(name="@type", default="")
    code: str = field(name="errorCode", default="")
    violations: list[_Violation] = field(name="fieldViolations", default_factory=list)


class _Error(Struct):
    status: str = ""
    message: str = ""
    details: list[_Detail] = []


class _Answer(Struct):
    error: _Error | str | None = None


def service_account(acc: Account) -> ServiceAccount:
    """The account's file, read. Raises FaultError(Pause)."""
    try:
        return msgspec.json.decode(acc.fcm_service_account, type=ServiceAccount)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise FaultError(Pause("The service account isn't the JSON file that Firebase gives.")) from None


def assertion(account: ServiceAccount, now: float) -> bytes:
    """The body that an access token is asked for with. Raises FaultError(Pause) where the key isn't one."""
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": int(now),
        "exp": int(now) + ASSERTION_S,
    }
    try:
        signed = jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(account.private_key), ["RS256"])
    except (JoseError, ValueError, TypeError):
        raise FaultError(Pause("The private key of the service account isn't one.")) from None
    return urlencode({"grant_type": GRANT, "assertion": signed}).encode()


def message(out: Out, acc: Account, device: str) -> dict[str, Any]:
    """A push; a later one of the same conversation replaces it. A longer text than fits is cut."""
    text = out.text.strip() if acc.shows_text else ""
    while True:
        body: dict[str, Any] = {
            "token": device,
            "notification": {"title": acc.title, "body": text or acc.notice},
            "data": {"conv": out.conv},
            "android": {
                "collapse_key": out.conv,
                "priority": "HIGH",
                "ttl": KEPT,
                "notification": {"tag": out.conv},
            },
        }
        over = len(msgspec.json.encode(body)) - MESSAGE_BYTES
        if over <= 0:
            return {"message": body}
        text = text[: len(text) - max(2, over // 12)].rstrip() + "…"


def verdict(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """What an answer of FCM or of Google's token server means."""
    wait_s = _seconds(headers.get("retry-after", ""))
    try:
        error = msgspec.json.decode(body, type=_Answer).error
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Retry(after_s=wait_s)
    if isinstance(error, str):
        return _refused_token(status, error)
    if error is None:
        return None if status == 200 else Retry(after_s=wait_s)
    code = next((one.code for one in error.details if one.code), error.status)
    if code in LEAST_S or status in {429, 503}:
        least_s = LEAST_S.get(code, LEAST_S["QUOTA_EXCEEDED" if status == 429 else "UNAVAILABLE"])
        return Retry(after_s=max(wait_s, least_s), account=code == "QUOTA_EXCEEDED")
    if status >= 500:
        return Retry(after_s=wait_s)
    return _refused(status, code, error)


WRONG_DEVICE: Final = "registration token is not a valid"
"""Google's words where it doesn't name the field."""


def _refused(status: int, code: str, error: _Error) -> Fault:
    blames_token = WRONG_DEVICE in error.message or any(
        each.field == "message.token" for one in error.details for each in one.violations
    )
    if code in {"UNREGISTERED", "SENDER_ID_MISMATCH"} or (code == "INVALID_ARGUMENT" and blames_token):
        return Gone(f"Google: {code}")
    if code == "THIRD_PARTY_AUTH_ERROR":
        return Pause("Firebase can't reach Apple: its APNs key is missing or wrong.")
    if status == 401:
        return TokenExpired()
    if status in {403, 404}:
        return Pause(f"Google refuses the service account: {error.message[:200]}")
    return Rejected(f"Google: {code} {error.message[:200]}")


def _refused_token(status: int, error: str) -> Fault:
    """OAuth says what is wrong in one word."""
    if status >= 500 or error in {"temporarily_unavailable", "server_error", "internal_failure", "internal"}:
        return Retry()
    return Pause(f"Google refuses the service account's key ({error[:100]}).")


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0.0
