"""What the Graph API's answers mean: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from backbone.channel import Fault, MediaGone, Pause, Rejected, Retry, TokenExpired, WindowClosed

PAIR_S: Final = 6.0
"""One message to one customer in so many seconds, over a while."""

PHRASES: Final = {
    "time": "The customer's last message is over 24 hours ago: only a template can be sent.",
}

NO_OBJECT_FAULT: Final = Pause(
    "Meta doesn't know the phone number ID, or the token has no right to it (33): compare it with the app."
)

FAULTS: Final[dict[int, Fault]] = {
    0: TokenExpired(),
    190: TokenExpired(),
    3: Pause("The app may not do this (3): it lacks a capability."),
    10: Pause("The access token lacks whatsapp_business_messaging (10)."),
    33: NO_OBJECT_FAULT,
    368: Pause("Meta has blocked the account for violating its policies (368)."),
    131005: Pause("The access token has no right to send (131005)."),
    131037: Pause("The number's display name isn't approved (131037): see WhatsApp Manager."),
    131031: Pause("Meta has locked the account (131031)."),
    131042: Pause("There is a problem with the account's payment method (131042)."),
    131045: Pause("The number isn't registered: its certificate is wrong (131045)."),
    133010: Pause("The number isn't registered at the Cloud API (133010)."),
    1: Retry(),
    2: Retry(),
    4: Retry(account=True),
    80007: Retry(account=True),
    130429: Retry(account=True),
    131000: Retry(),
    131016: Retry(),
    131056: Retry(after_s=PAIR_S),
    131047: WindowClosed("time"),
    131026: Rejected("The customer can't get it (131026): no WhatsApp, an old version, or its terms weren't accepted."),
    131030: Rejected("A test number may write to its listed recipients only (131030)."),
    131048: Rejected("Meta holds it back (131048): too many customers blocked or reported this number."),
    131049: Rejected("Meta holds it back (131049) so that customers aren't written to too often."),
    131050: Rejected("The customer doesn't want marketing messages of this number (131050)."),
    131051: Rejected("WhatsApp doesn't take this kind of message (131051)."),
    131053: Rejected("WhatsApp couldn't take the file (131053): its type or what is in it is wrong."),
    132000: Rejected("The template has another number of parameters (132000)."),
    132001: Rejected("There is no such template in this language, or it isn't approved (132001)."),
    132005: Rejected("The template's text is too long with these parameters (132005)."),
    132007: Rejected("The template violates a policy (132007)."),
    132012: Rejected("The template's parameters have another form (132012)."),
    132015: Rejected("The template is paused for its low quality (132015)."),
    132016: Rejected("The template was disabled for its low quality (132016)."),
}

WRONG_PARAMETER: Final = 100
NO_OBJECT: Final = 33
"""As a subcode: what the address names isn't there for this token."""

RIGHTS: Final = range(200, 300)
_MEDIA_GONE = re.compile(r"(?i)media.{0,40}(not found|expired|not exist|invalid|unknown)|invalid.{0,20}media")


class _Error(Struct):
    code: int = 0
    message: str = ""
    error_subcode: int = 0
    error_data: Any = None


class _Answer(Struct):
    error: _Error | None = None


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """None if all is well. What isn't in Graph's form comes from a proxy and passes: another try."""
    is_json = "json" in headers.get("content-type", "json") or "javascript" in headers.get("content-type", "")
    if status == 200 and body and not is_json:
        return None  # a file; who expects an answer finds that it is none
    wait = Retry(after_s=_seconds(headers.get("retry-after", "")))
    try:
        error = msgspec.json.decode(body, type=_Answer).error
    except (msgspec.DecodeError, ValueError, RecursionError):
        return wait
    if error is None:
        return None if status == 200 else wait
    return _fault(status, error, wait)


def details_of(error_data: Any) -> str:
    """Meta's words in `error_data`, an object here, a text at other edges of the Graph API."""
    if isinstance(error_data, dict):
        details = error_data.get("details", "")
        return details if isinstance(details, str) else ""
    return error_data[:500] if isinstance(error_data, str) else ""


def _fault(status: int, error: _Error, wait: Retry) -> Fault:
    details = details_of(error.error_data)
    if error.code == WRONG_PARAMETER and error.error_subcode == NO_OBJECT:
        return NO_OBJECT_FAULT
    if error.code in {100, 131009} and _MEDIA_GONE.search(f"{error.message} {details}"):
        return MediaGone()
    fault = FAULTS.get(error.code)
    if fault is None and error.code in RIGHTS:
        return Pause(f"The access token lacks a right ({error.code}): {error.message[:200]}")
    if fault is None and (status >= 500 or status == 429):
        fault = Retry(account=status == 429)
    if fault is None and status == 401:
        return TokenExpired()
    if isinstance(fault, Retry) and wait.after_s:
        return Retry(after_s=wait.after_s, account=fault.account)
    return fault or Rejected(f"WhatsApp ({error.code}): {(details or error.message)[:200]}")


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0.0
