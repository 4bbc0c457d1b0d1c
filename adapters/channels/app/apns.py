"""Apple's push service: the requests and what its answers mean; pure."""

from __future__ import annotations

import uuid
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from msgspec import Struct

from adapters.channels.app.settings import Account
from adapters.channels.app.verdicts import Gone
from backbone.channel import Fault, FaultError, Out, Pause, Rejected, Retry, Token, TokenExpired

TOKEN_LIFE_S: Final = 3000
"""The kit renews at 80 % of it: every 40 minutes, where Apple wants 20 to 60."""

KEPT_S: Final = 86_400
"""For so long Apple keeps a push for a device that is off."""

LIMITED_S: Final = 60
PAYLOAD_BYTES: Final = 4096

GONE: Final = frozenset({"Unregistered", "BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken"})
PASSING: Final = frozenset({"IdleTimeout", "TooManyRequests", "InternalServerError", "ServiceUnavailable", "Shutdown"})
PAUSED: Final = {
    "InvalidProviderToken": "Apple refuses the APNs key, its ID or the team ID.",
    "MissingProviderToken": "Apple got no APNs token.",
    "BadCertificateEnvironment": "The APNs key isn't for this environment.",
    "TopicDisallowed": "The APNs key isn't for this bundle ID.",
    "BadTopic": "The bundle ID isn't one.",
    "MissingTopic": "The bundle ID is missing.",
    "Forbidden": "Apple forbids it.",
}


class _Answer(Struct):
    reason: str = ""
    timestamp: int = 0


def token(acc: Account, now: float) -> Token:
    """A provider token. Raises FaultError(Pause) where the key isn't one."""
    try:
        key = ECKey.import_key(acc.apns_key)
        value = jwt.encode(
            {"alg": "ES256", "kid": acc.apns_key_id}, {"iss": acc.apns_team_id, "iat": int(now)}, key, ["ES256"]
        )
    except (JoseError, ValueError, TypeError):
        raise FaultError(Pause("The APNs key isn't the whole content of a .p8 file.")) from None
    return Token(value=value, life_s=TOKEN_LIFE_S)


def headers(out: Out, acc: Account, now: float) -> dict[str, str]:
    """Headers of a push; a later one of the same conversation replaces it on the screen."""
    return {
        "apns-id": str(uuid.UUID(out.key)),
        "apns-topic": acc.apns_topic,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(now) + KEPT_S),
        "apns-collapse-id": out.conv[:64],
        "content-type": "application/json",
    }


def payload(out: Out, acc: Account) -> bytes:
    """The push itself, of 4 KB at most: a longer text is cut."""
    text = out.text.strip() if acc.shows_text else ""
    while True:
        body: dict[str, Any] = {
            "aps": {
                "alert": {"title": acc.title, "body": text or acc.notice},
                "sound": "default",
                "thread-id": out.conv,
            },
            "conv": out.conv,
        }
        encoded = msgspec.json.encode(body)
        if len(encoded) <= PAYLOAD_BYTES:
            return encoded
        over = len(encoded) - PAYLOAD_BYTES
        # A character is 12 bytes at most once it is encoded.
        text = text[: len(text) - max(2, over // 12)].rstrip() + "…"


def verdict(status: int, body: bytes) -> Fault | None:
    """What an answer means, None for a push that was taken."""
    if status == 200:
        return None
    try:
        said = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, ValueError, RecursionError):
        said = _Answer()
    if status == 410 or (status == 400 and said.reason in GONE):
        return Gone(f"Apple: {said.reason or status}", said.timestamp if status == 410 else 0)
    if said.reason == "ExpiredProviderToken":
        return TokenExpired()
    if status == 403 or said.reason in PAUSED:
        return Pause(PAUSED.get(said.reason, f"Apple: {said.reason[:100] or status}"))
    if status == 429 or status >= 500 or said.reason in PASSING or not said.reason:
        return _later(status, said.reason)
    return Rejected(f"Apple: {said.reason[:100]}")


def _later(status: int, reason: str) -> Retry:
    """Too often renewed means the account, too many for a device that one. Apple says of neither how long to wait."""
    if reason == "TooManyProviderTokenUpdates":
        return Retry(account=True)
    return Retry(after_s=LIMITED_S if status == 429 else 0)
