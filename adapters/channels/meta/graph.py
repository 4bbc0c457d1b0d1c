"""Answers of the Graph API: their one form of an error, and what is alike in all of Meta's products; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from backbone.channel import Answer, Fault, FaultError, Pause, Rejected, Retry, TokenExpired

RIGHTS: Final = range(200, 300)
"""Codes of missing permissions."""

WRONG_PARAMETER: Final = 100
NO_OBJECT: Final = 33
"""As a subcode of it: what the address names isn't there for this token."""

LONGEST_MIN: Final = 24 * 60

S = TypeVar("S", bound=Struct)


class Error(Struct):
    """What an answer says went wrong."""

    code: int = 0
    message: str = ""
    error_subcode: int = 0
    error_data: Any = None

    @property
    def details(self) -> str:
        """Meta's words in `error_data`, an object or a text."""
        return details_of(self.error_data)


class _Answer(Struct):
    error: Error | None = None


def classify(
    status: int, body: bytes, headers: Mapping[str, str], known: Callable[[Error], Fault | None], product: str
) -> Fault | None:
    """None if all is well. `known`: the product's own table. What isn't in Graph's form comes from a proxy and passes:
    another try.
    """
    if status == 200 and body and not is_json(headers):
        return None  # a file; who expects an answer finds that it is none
    wait = Retry(after_s=_seconds(headers.get("retry-after", "")) or _regained_s(headers))
    try:
        error = msgspec.json.decode(body, type=_Answer).error
    except (msgspec.DecodeError, ValueError, RecursionError):
        return wait
    if error is None:
        return None if status == 200 else wait
    fault = known(error) or _unknown(status, error, product)
    if isinstance(fault, Retry) and wait.after_s:
        return Retry(after_s=wait.after_s, account=fault.account)
    return fault


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether an answer claims to be Graph's. One without a type does."""
    kind = headers.get("content-type", "json")
    return "json" in kind or "javascript" in kind


def details_of(error_data: Any) -> str:
    """Meta's words in `error_data`, an object here, a text at other edges of the Graph API."""
    if isinstance(error_data, dict):
        details = error_data.get("details", "")
        return details if isinstance(details, str) else ""
    return error_data[:500] if isinstance(error_data, str) else ""


def bearer(token: str) -> Mapping[str, str]:
    """The token has no end and can't be renewed: it is the account's, not the kit's."""
    return {"Authorization": f"Bearer {token}"}


def read(answer: Answer, wanted: type[S]) -> S:
    """An answer as `wanted`. Raises FaultError(Retry) where a proxy answered in Graph's place."""
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise FaultError(Retry(), answer.body[:200].decode(errors="replace")) from None


def _unknown(status: int, error: Error, product: str) -> Fault:
    """What a code means that is in no table: by its range, else by the status."""
    if error.code in RIGHTS:
        return Pause(f"The access token lacks a right ({error.code}): {error.message[:200]}")
    if status >= 500 or status == 429:
        return Retry(account=status == 429)
    if status == 401:
        return TokenExpired()
    return Rejected(f"{product} ({error.code}): {(error.details or error.message)[:200]}")


class _Usage(Struct):
    estimated_time_to_regain_access: float = 0


def _regained_s(headers: Mapping[str, str]) -> float:
    """When a limit of the account's calls is over, which Meta tells in minutes."""
    told = headers.get("x-business-use-case-usage", "{}")
    try:
        usages = msgspec.json.decode(told, type=dict[str, list[_Usage]])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return 0.0
    minutes = max((one.estimated_time_to_regain_access for each in usages.values() for one in each), default=0.0)
    return min(minutes, LONGEST_MIN) * 60


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0.0
